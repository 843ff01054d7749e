failed (root OR admin | head
