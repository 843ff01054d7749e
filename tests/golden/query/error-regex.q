user:/ro(ot/
