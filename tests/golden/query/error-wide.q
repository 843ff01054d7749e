"漢字" usr:root
