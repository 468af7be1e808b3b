"""A stand-in for TikLiveAPI that runs as its own process and speaks HTTP.

It shares no code with the client, or it would agree with the client's mistakes. Start it with
`python -m tikdash.tiklive.simulator --port 8100` or `manage.py simulator --port 8100`.

Every handle that looks valid exists, except:

- `deleted…`, `missing…`, `nobody…`: never existed ("Not found user"),
- `private.…`, `private_…`: a private account, its post list is empty,
- one side of a renamed handle: the old one after the change, the new one before it.

`cast.CAST` lists the named creators of the demo, each with a known character. Everything served is a pure
function of (seed, creator, simulator time); `/_sim/…` moves the clock, sets faults, tells the ground truth.
"""
