"""Reserves a GPU for ten minutes from now on, and follows the job to its end.

    protoc --proto_path contracts --python_out . contracts/era.proto
    python3 reserve_and_watch.py HEAD:PORT ca.pem TOKEN
"""

import sys
import uuid

import era_pb2
import grpc


def connect(address, ca_file):
    with open(ca_file, "rb") as file:
        trust = grpc.ssl_channel_credentials(file.read())
    # Every controller proves that it is "berth-controller", whatever its machine is called.
    name = ("grpc.ssl_target_name_override", "berth-controller")
    return grpc.secure_channel(address, trust, [name])


def call(channel, kind, method, request, reply_type, token):
    make = getattr(channel, kind)
    rpc = make("/berth.era.v1.Scheduler/" + method, type(request).SerializeToString,
               reply_type.FromString)
    return rpc(request, metadata=[("authorization", "Bearer " + token)], timeout=3600)


def main(address, ca_file, token):
    channel = connect(address, ca_file)
    bid = era_pb2.Bid(job_class="JOB_CLASS_EAGER", gpus_per_rank=1, duration_ms=600_000)
    program = era_pb2.Program(command=["nvidia-smi"])
    request = era_pb2.ReserveRequest(bid=bid, program=program, request_id=str(uuid.uuid4()))
    reply = call(channel, "unary_unary", "Reserve", request, era_pb2.ReserveReply, token)
    print(f"job {reply.job}: {reply.text}", flush=True)
    if reply.HasField("refusal"):
        return 1
    watch = era_pb2.WatchRequest(jobs=[reply.job], from_position=reply.position)
    for event in call(channel, "unary_stream", "Watch", watch, era_pb2.Event, token):
        print(event.position, event.WhichOneof("what"), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
