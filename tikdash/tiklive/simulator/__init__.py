"""A stand-in for TikLiveAPI that runs as its own process and speaks HTTP.

It shares no code with the client, or it would agree with the client's mistakes. Start it with
`python -m tikdash.tiklive.simulator --port 8100` or `manage.py simulator --port 8100`.

Every handle that looks valid exists, except:

- `deleted…`, `missing…`, `nobody…`: never existed ("Not found user"),
- `private.…`, `private_…`: a private account, its lists are empty and its posts are not found,
- `hidden.…`, `hidden_…`: an open account whose lists of followers and followings are empty,
- one side of a renamed handle: the old one after the change, the new one before it.

Any hashtag and any playlist or collection with a long id exists too (hashtags with the first three prefixes do
not). Posts and original sounds are found by id for every creator this process has met: by handle, by id, in
`--handles-file`, or by the handle inside an address. People in follower lists and comments are rows only:
asked for by handle or id they are creators like all others, with counts of their own.

`cast.CAST` lists the named creators of the demo, each with a known character. Everything served is a pure
function of (seed, creator, simulator time); `/_sim/…` moves the clock, sets faults, limits and keys, and tells
the ground truth.
"""
