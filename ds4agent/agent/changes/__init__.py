"""What a session changed on disk, and the way back.

`Changes` (keeper) is told before and after everything that may change a file: an edit, a command. It keeps
the bytes that were there before the session touched a file first, in the session's folder, and notes what
the session left there. From these notes alone, which a kill -9 leaves whole, `review` says what differs
now and puts files back; a file that is not as the session left it is somebody else's and is not touched.
"""
