version=2
# What sshd, postfix and sudo say most, for rsyslog's mmnormalize.
rule=:%-:whitespace%Accepted %method:word% for %user:word% from %ip:word% port %port:number% ssh2
rule=:%-:whitespace%Accepted %method:word% for %user:word% from %ip:word% port %port:number% ssh2: %key:rest%
rule=:%-:whitespace%Failed %method:word% for invalid user %user:word% from %ip:word% port %port:number% ssh2
rule=:%-:whitespace%Failed %method:word% for %user:word% from %ip:word% port %port:number% ssh2
rule=:%-:whitespace%Invalid user %user:word% from %ip:word% port %port:number%
rule=:%-:whitespace%Connection reset by authenticating user %user:word% %ip:word% port %port:number% [preauth]
rule=:%-:whitespace%Connection closed by authenticating user %user:word% %ip:word% port %port:number% [preauth]
rule=:%-:whitespace%Connection closed by %ip:word% port %port:number% [preauth]
rule=:%-:whitespace%Disconnected from user %user:word% %ip:word% port %port:number%
rule=:%-:whitespace%pam_unix(sshd:session): session opened for user %user:char-to:(%(uid=%uid:number%) by (uid=%by:number%)
rule=:%-:whitespace%pam_unix(sshd:session): session closed for user %user:rest%
rule=:%-:whitespace%connect from %host:char-to:[%[%ip:char-to:]%]
rule=:%-:whitespace%disconnect from %host:char-to:[%[%ip:char-to:]%]%counts:rest%
rule=:%-:whitespace%warning: %host:char-to:[%[%ip:char-to:]%]: SASL %mechanism:word% authentication failed: %reason:rest%
rule=:%-:whitespace%%queue:char-to::%: from=<%from:char-to:>%>, size=%size:number%, nrcpt=%recipients:number% (queue active)
rule=:%-:whitespace%%queue:char-to::%: to=<%to:char-to:>%>, relay=%relay:char-to:,%, delay=%delay:char-to:,%, delays=%delays:char-to:,%, dsn=%dsn:char-to:,%, status=%status:word% (%text:rest%
rule=:%-:whitespace%%queue:char-to::%: client=%host:char-to:[%[%ip:char-to:]%]
rule=:%-:whitespace%%queue:char-to::%: message-id=%id:rest%
rule=:%-:whitespace%%queue:char-to::%: removed
rule=:%-:whitespace%%user:word% : TTY=%tty:word% ; PWD=%folder:word% ; USER=%as:word% ; COMMAND=%command:rest%
rule=:%-:whitespace%%user:word% : %tries:number% incorrect password attempts ; TTY=%tty:word% ; PWD=%folder:word% ; USER=%as:word% ; COMMAND=%command:rest%
