usr:root
