"""Parts of the manual that are made from the code when it is built."""
