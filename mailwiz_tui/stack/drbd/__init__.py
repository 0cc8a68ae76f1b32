"""The volume that moves between two servers, replicated by DRBD: each write is on both disks before it is done."""
