failed "password for
