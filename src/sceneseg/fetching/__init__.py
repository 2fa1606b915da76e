"""Files from the network: resumed, checked, and in place only when they are whole."""
