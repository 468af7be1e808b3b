"""Our copies of avatars and covers: the upstream's addresses expire after a day or two, the copies do not.

Pictures are fetched from wherever an answer of the upstream says, without its client: they cost no credit, and no key
is sent. Decision 0011 says why they are kept like this.
"""
