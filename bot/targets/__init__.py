"""The edge to what is operated. Only here is the docker SDK known."""
