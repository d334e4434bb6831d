"""What a training script may ask of Berth, with the standard library alone.

    import berth

    folder = berth.resume_from()                  # a complete checkpoint, or None
    for step in range(first, last):
        berth.log(step=step, loss=loss)
        stopping = berth.should_stop()
        if stopping or berth.checkpoint_due():    # as often as failures make it worth its time
            with berth.checkpoint(step) as folder:    # offered only once it is whole
                torch.save(state, folder + "/state.pt")
        if stopping:
            break
    berth.save_model("model.pt", accuracy=0.97)

Everything is driven by the BERTH_* variables that an agent sets for a rank; README.md lists them.
Without them the same script runs on a laptop: metrics go nowhere, checkpoints under ./checkpoints,
models under ./outputs.
"""

from berth._checkpoints import checkpoint
from berth._due import checkpoint_due
from berth._environment import output_dir, rank, world_size
from berth._metrics import log, note
from berth._models import save_model
from berth._resume import resume_from
from berth._stop import seconds_left, should_stop

__all__ = [
    "checkpoint",
    "checkpoint_due",
    "log",
    "note",
    "output_dir",
    "rank",
    "resume_from",
    "save_model",
    "seconds_left",
    "should_stop",
    "world_size",
]
