"""`--lane load`: more clients than one process can send, up to where a driver saturates.

N processes of an arm, each with a driver, an event loop and sessions of its own, send at
the same time. In an open loop (a cell with `arrivals`) one seeded schedule of the total
rate is split over them by a seeded choice per op, so that each sends a Poisson process,
too, and all of them together exactly the schedule. In a closed loop (a cell with `clients`)
clients and pool are split. All processes are ready before they begin, at one moment that
they were told in advance; how far apart they began is in the record.

Each answer is compared with what its own call sent while the clients run, so an answer that
belongs to another call is seen in the very moment in which it can happen.
"""

from harness.lanes import Lane

LANE = Lane(
    "load",
    __name__,
    "many clients in several processes: response times up to saturation",
    threshold=0.05,
    paths=("arrivals/token",),
)
