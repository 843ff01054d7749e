sshd | timechart span=1d count
