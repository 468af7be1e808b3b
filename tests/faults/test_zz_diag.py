import sys,time,collections
from pathlib import Path
import tempfile
from tests.faults.crew import *
from tests.faults.test_single_flight import readers
from tests.simulating import *
def test_x(tmp_path):
    with own_valkey(tmp_path) as v, running_simulator("--latency-ms","750","--threads","64") as b:
        up=Caller(b)
        with working([readers(up,f"r{n}",250) for n in range(4)], v.url) as ws:
            t0=time.monotonic()
            for w in ws: w.go()
            r=reports(ws)
        print("took",time.monotonic()-t0, up.look("stats")["requests"])
        print(collections.Counter((c["outcome"],c["reason"],c["from_cache"]) for c in r.calls))
        b0=min(c["began"] for c in r.calls)
        print("began", [round(x-b0,2) for x in sorted(c["began"] for c in r.calls)][::100])
        print("ended", [round(x-b0,2) for x in sorted(c["ended"] for c in r.calls)][::50])
        print([ (round(c["began"]-b0,2), round(c["ended"]-b0,2)) for c in r.calls if not c["from_cache"]][:10])
        print(r.events)
