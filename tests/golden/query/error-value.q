user.name: root
