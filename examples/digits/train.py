"""Trains a small network on the 1,797 digits beside this file, on as many ranks as there are.

One process is enough: `PYTHONPATH=python python3 examples/digits/train.py`. In a gang, gradients
travel over gloo. `--batch-size` counts all ranks together and every sum is weighted by what it
counts, so a gang of any size takes the same steps, and a run that was cut off goes on with them.
"""

import argparse
import csv
import datetime
import gzip
import io
import json
import os
import sys
import time

import berth
import torch
import torch.distributed as dist
from torch import nn

TRAIN_COUNT = 1437  # The other 360 of the 1,797 images are for the test.
PEER_TIMEOUT = datetime.timedelta(seconds=30)  # A peer that is killed is noticed at once.
BATCHES_PER_LOOK = 8  # How often the ranks agree on whether to stop.
STOPPED = 143  # Ended on request before the work was done: as a shell names a death by SIGTERM.


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
        )
        self.classes = nn.Sequential(nn.Linear(64 * 4 * 4, 128), nn.ReLU(), nn.Linear(128, 10))

    def forward(self, images):
        return self.classes(self.features(images).flatten(1))


class Digits:
    """The images, [n, 1, 8, 8] from 0 to 1, split by a seed into training and test."""

    def __init__(self, path, seed):
        with gzip.open(path, "rt") as file:
            rows = [[int(cell) for cell in row] for row in csv.reader(file)]
        table = torch.tensor(rows)
        order = torch.randperm(len(table), generator=torch.Generator().manual_seed(seed))
        images = table[:, :64].reshape(-1, 1, 8, 8).float()[order] / 16
        labels = table[:, 64][order]
        self.train = (images[:TRAIN_COUNT], labels[:TRAIN_COUNT])
        self.test = (images[TRAIN_COUNT:], labels[TRAIN_COUNT:])


def epoch_plan(seed, epoch):
    """Returns the order of an epoch's samples and each one's shift in pixels, alike everywhere."""
    generator = torch.Generator().manual_seed(seed * 100003 + epoch + 1)
    order = torch.randperm(TRAIN_COUNT, generator=generator)
    shifts = torch.randint(-1, 2, (TRAIN_COUNT, 2), generator=generator)
    return order, shifts


def moved(images, shifts):
    """Returns each image moved by its own (rows, columns), -1 to 1, over an empty border."""
    padded = nn.functional.pad(images, (1, 1, 1, 1))
    windows = padded.unfold(2, 8, 1).unfold(3, 8, 1)  # [n, 1, 3, 3, 8, 8]
    return windows[torch.arange(len(images)), :, shifts[:, 0] + 1, shifts[:, 1] + 1]


class Training:
    """Where a training is: after `batch` batches of `epoch`, with the epoch's sums up to there."""

    def __init__(self, options, digits):
        self.options = options
        self.images, self.labels = digits.train
        self.rank, self.world = berth.rank(), berth.world_size()
        torch.manual_seed(options.seed)
        self.network = Network()
        self.model = self.network
        if self.world > 1:
            self.model = nn.parallel.DistributedDataParallel(self.network)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), lr=options.lr, momentum=0.9, weight_decay=1e-4
        )
        self.batches = -(-TRAIN_COUNT // options.batch_size)
        self.epoch = 0
        self.batch = 0
        self.sums = torch.zeros(3, dtype=torch.float64)  # loss, correct, seen

    def steps_done(self):
        return self.epoch * self.batches + self.batch

    def resume(self):
        """Goes on from where rank 0's checkpoint is; the other ranks need not see its disk."""
        box = [None]
        folder = berth.resume_from() if self.rank == 0 else None
        if folder:
            box = [torch.load(os.path.join(folder, "state.pt"))]
        if self.world > 1:
            dist.broadcast_object_list(box)
        state = box[0]
        if state is None:
            return
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.batch = state["epoch"], state["batch"]
        if self.rank == 0:
            self.sums = state["sums"]
            print("going on after epoch %d, batch %d" % (self.epoch, self.batch), flush=True)

    def keep(self):
        self._gather_sums()
        if self.rank != 0:
            return
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "batch": self.batch,
            "sums": self.sums,
        }
        with berth.checkpoint(self.steps_done()) as folder:
            torch.save(state, os.path.join(folder, "state.pt"))

    def run(self):
        """Trains to the end. Returns whether it got there, and not only to a request to stop."""
        while self.epoch < self.options.epochs:
            started = time.monotonic()
            if not self._run_epoch():
                self.keep()
                return False
            self._gather_sums()
            loss, correct, seen = self.sums.tolist()
            if self.rank == 0:
                self._tell(loss / seen, correct / seen, time.monotonic() - started)
            self.epoch, self.batch = self.epoch + 1, 0
            self.sums.zero_()
            self.keep()
        return True

    def _run_epoch(self):
        order, shifts = epoch_plan(self.options.seed, self.epoch)
        size = self.options.batch_size
        while self.batch < self.batches:
            if self.batch % BATCHES_PER_LOOK == 0 and self._all_should_stop():
                return False
            whole = order[self.batch * size : (self.batch + 1) * size]
            self._take_step(whole[self.rank :: self.world], shifts, len(whole))
            self.batch += 1
        return True

    def _take_step(self, mine, shifts, whole_count):
        images = moved(self.images[mine], shifts[mine])
        scores = self.model(images)
        loss = nn.functional.cross_entropy(scores, self.labels[mine], reduction="sum")
        self.optimizer.zero_grad()
        (loss * self.world / whole_count).backward()  # The average over ranks is that over samples.
        self.optimizer.step()
        correct = (scores.argmax(1) == self.labels[mine]).sum()
        self.sums += torch.tensor([loss.item(), correct.item(), len(mine)])

    def _gather_sums(self):
        """Adds all ranks' sums up in rank 0, and empties the others'."""
        if self.world > 1:
            dist.all_reduce(self.sums)
            self.sums *= 1 if self.rank == 0 else 0

    def _all_should_stop(self):
        asked = torch.tensor([1 if berth.should_stop() else 0])
        if self.world > 1:
            dist.all_reduce(asked)
        return asked.item() > 0

    def _tell(self, loss, accuracy, seconds):
        berth.log(step=self.epoch + 1, loss=loss, accuracy=accuracy, epoch_seconds=seconds)
        text = "epoch %d loss %.4f accuracy %.4f %.2f s"
        print(text % (self.epoch + 1, loss, accuracy, seconds), flush=True)


def finish(training, digits):
    """Tests the network and hands over the model and the result."""
    network = training.network.eval()
    images, labels = digits.test
    with torch.no_grad():
        accuracy = (network(images).argmax(1) == labels).float().mean().item()
    epochs = training.options.epochs
    berth.log(step=epochs, test_accuracy=accuracy)
    content = io.BytesIO()
    torch.jit.save(torch.jit.trace(network, images[:1]), content)
    berth.save_model(content.getvalue(), "digits.pt", format="torchscript", test_accuracy=accuracy)
    result = {"test_accuracy": accuracy, "epochs": epochs, "world_size": training.world}
    with open(os.path.join(berth.output_dir(), "result.json"), "w") as file:
        json.dump(result, file)
    print("test accuracy %.4f" % accuracy, flush=True)


def parse_options():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description="Trains a small network on hand-written digits.")
    parser.add_argument("--epochs", type=int, default=36)
    parser.add_argument("--batch-size", type=int, default=32, help="of all ranks together")
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", default=os.path.join(here, "digits.csv.gz"))
    options = parser.parse_args()
    if options.batch_size < berth.world_size():
        parser.error("--batch-size must be at least the number of ranks")
    return options


def main():
    options = parse_options()
    torch.set_num_threads(1)
    berth.should_stop()  # From here on a request to stop waits for the next look.
    rank, world = berth.rank(), berth.world_size()
    if world > 1:
        dist.init_process_group("gloo", rank=rank, world_size=world, timeout=PEER_TIMEOUT)
    digits = Digits(options.data, options.seed)
    training = Training(options, digits)
    training.resume()
    done = training.run()
    if done and rank == 0:
        finish(training, digits)
    if world > 1:
        dist.destroy_process_group()
    sys.stdout.flush()
    # Not sys.exit: with gloo the interpreter's own end waits for ever once in a while (torch 1.13).
    os._exit(0 if done else STOPPED)


if __name__ == "__main__":
    main()
