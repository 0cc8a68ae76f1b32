"""Services that start again by themselves: the drop-in that every daemon of a blueprint gets."""
