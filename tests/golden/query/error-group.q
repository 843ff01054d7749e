user:(root admin)
