#!/usr/bin/env python3
"""Writes a trace of jobs as people send them who work by day: ten times as many from nine to six as
at night, three tenths of that at the weekend. One to eight GPUs; lengths log-normal.

    bench/office_hours.py > office.csv
    berth sim --trace office.csv --format itp --values iii --load 1 --bound
"""
import argparse
import random

DAY = 86_400


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--median", type=float, default=1, metavar="HOURS", help="of lengths")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def pace(second):
    is_work = 9 <= second % DAY / 3600 < 18
    is_weekend = second // DAY % 7 >= 5
    return (3 if is_work else 0.3) * (0.3 if is_weekend else 1)


def main():
    options = arguments()
    draw = random.Random(options.seed)
    print("job_id,submission_time,duration,num_gpu")
    now = 0.0
    job = 0
    while True:
        now += draw.expovariate(pace(now) / 240)
        if now >= options.days * DAY:
            return
        gpus = draw.choice((1, 1, 1, 2, 4, 8))
        length = max(60, int(draw.lognormvariate(0, 1) * 3600 * options.median))
        print(f"{job},{int(now)},{length},{gpus}")
        job += 1


if __name__ == "__main__":
    main()
