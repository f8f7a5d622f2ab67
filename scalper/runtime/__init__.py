"""Actors, mailboxes, switchboard, supervision: knows threads, nothing of trading."""
