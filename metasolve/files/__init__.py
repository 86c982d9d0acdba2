"""Reading and writing of files that anybody may have written, or may be reading meanwhile."""
