#include "replay/trace.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "ledger/event.h"
#include "replay/cluster.h"
#include "replay/gzip.h"

namespace replay {
namespace {

std::string message_of(const base::Result<Trace>& trace) {
  return trace ? "no error" : trace.error().message;
}

std::string packed(const std::string& text) {
  std::string bytes(text.size() + 100, '\0');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  bytes.resize(stream.total_out);
  deflateEnd(&stream);
  return bytes;
}

TEST(TraceTest, ReadsPhillyByArrival) {
  const auto trace =
      parse(Format::philly, "job,submit_s,duration_s,gpus,vc\n7,600,50,8,a\n8,5,3600,1,b\r\n");
  ASSERT_TRUE(trace) << message_of(trace);
  EXPECT_EQ(trace->jobs,
            (std::vector<TraceJob>{{5, 3600, 1, "b", {}, {}}, {600, 50, 8, "a", {}, {}}}));
}

TEST(TraceTest, ReadsItpAndLeavesOutJobsWithoutGpus) {
  const auto trace =
      parse(Format::itp, "job_id,submission_time,duration,num_gpu\nx,10,20.7,4\ny,11,20,0\n");
  ASSERT_TRUE(trace) << message_of(trace);
  EXPECT_EQ(trace->jobs, (std::vector<TraceJob>{{10, 20, 4, "", {}, {}}}));
  EXPECT_EQ(trace->skipped, 1);
}

TEST(TraceTest, ReadsDeadlinesUnderEitherName) {
  const TraceJob wanted{10, 20, 4, "", 40, {}};
  const auto long_names = parse(Format::deadlines,
                                "job_id,submission_time,num_iteration,model_name,deadline,"
                                "batch_size,num_gpu,duration\nx,10,7,bert,40,128,4,20\n");
  ASSERT_TRUE(long_names) << message_of(long_names);
  EXPECT_EQ(long_names->jobs, std::vector{wanted});
  const auto short_names = parse(Format::deadlines,
                                 "job_id,submit_time,iteration,model_name,ddl,batch_size,num_gpu,"
                                 "duration\nx,10,7,ncf,40,1,4,20\n");
  ASSERT_TRUE(short_names) << message_of(short_names);
  EXPECT_EQ(short_names->jobs, std::vector{wanted});
}

TEST(TraceTest, ReadsWishesWhereAJobHasThem) {
  const auto trace = parse(Format::jobs,
                           "value,gpus,submit_s,duration_s,deadline_s,group\n2.5,1,0,60,90,us\n"
                           ",2,0,60,,us\n");
  ASSERT_TRUE(trace) << message_of(trace);
  EXPECT_EQ(trace->jobs,
            (std::vector<TraceJob>{{0, 60, 1, "us", 90, 2.5}, {0, 60, 2, "us", {}, {}}}));
}

TEST(TraceTest, ReadsTheStandardWorkloadFormat) {
  const auto trace = parse(Format::swf,
                           "; Version: 2.2\n"
                           "  1 100 5 3600 4 -1 -1 8 7200 -1 1 3 9 -1 1 -1 -1 -1\n"
                           "  2 160 5   60 4 -1 -1 -1 120 -1 1 3 -1 -1 1 -1 -1 -1\n"
                           "  3 170 5   -1 4 -1 -1 -1 120 -1 5 3 -1 -1 1 -1 -1 -1\n");
  ASSERT_TRUE(trace) << message_of(trace);
  EXPECT_EQ(trace->jobs,
            (std::vector<TraceJob>{{100, 3600, 8, "9", {}, {}}, {160, 60, 4, "", {}, {}}}));
  EXPECT_EQ(trace->skipped, 1);
}

ledger::Fact bid_fact(bool accepted) {
  domain::JobSpec spec;
  spec.bid.shape.ranks = 2;
  spec.bid.shape.per_rank.gpus = 4;
  spec.bid.duration = domain::kHour;
  spec.bid.deadline = domain::Time{20'000'000};
  spec.bid.max_price = domain::credits(3);
  ledger::Fact fact{.at = {10'000'000}, .by = {}, .command = {}, .event = {}};
  if (accepted) {
    fact.event = ledger::jobs::JobAccepted{.job = {1}, .team = {"vision"}, .spec = spec};
  } else {
    fact.event = ledger::jobs::BidRefused{.job = {1}, .team = {"vision"}, .spec = spec};
  }
  return fact;
}

TEST(TraceTest, ReadsBerthsOwnLog) {
  const TraceJob wanted{10'000, 3600, 8, "vision", 20'000, 3.0};
  const ledger::Fact other{.at = {}, .by = {}, .command = {}, .event = ledger::ClusterCreated{"c"}};
  const auto trace =
      parse(Format::ledger, ledger::encode(other) + "\n" + ledger::encode(bid_fact(true)) + "\n" +
                                ledger::encode(bid_fact(false)) + "\n");
  ASSERT_TRUE(trace) << message_of(trace);
  EXPECT_EQ(trace->jobs, (std::vector{wanted, wanted}));
}

TEST(TraceTest, ReadsWhatEventsShow) {
  const std::string event =
      R"({"position":3,"at":10000000,"by":"ada","type":"JobAccepted","job":1,"team":"vision",)"
      R"("body":{"job":1,"team":"vision","spec":{"bid":{"shape":{"ranks":1,"per_rank":{"gpus":2}},)"
      R"("duration":60000}}}})";
  const std::vector<TraceJob> wanted{{10'000, 60, 2, "vision", {}, {}}};
  for (const std::string& text :
       {event, R"({"ok":true,"data":)" + event + "}",
        R"({"ok":true,"data":{"events":[)" + event + R"(,{"type":"NodeJoined","at":1}]}})"}) {
    const auto trace = parse(Format::ledger, text);
    ASSERT_TRUE(trace) << message_of(trace);
    EXPECT_EQ(trace->jobs, wanted) << text;
  }
}

TEST(TraceTest, AnErrorNamesLineAndField) {
  const std::string head = "job,submit_s,duration_s,gpus,vc\n0,1,2,3,a\n";
  EXPECT_EQ(message_of(parse(Format::philly, head + "1,x,2,3,a\n")),
            "line 3: submit_s: \"x\" is not a number");
  EXPECT_EQ(message_of(parse(Format::philly, head + "1,1,-2,3,a\n")),
            "line 3: duration_s: -2 is out of range");
  EXPECT_EQ(message_of(parse(Format::philly, head + "1,1\n")),
            "line 3: duration_s: the line ends before it");
  EXPECT_EQ(message_of(parse(Format::itp, head)), "line 1: there is no column \"submission_time\"");
  EXPECT_EQ(message_of(parse(Format::swf, "1 2 3 nan 5\n")),
            "line 1: field 4 (run time): \"nan\" is not a number");
  EXPECT_EQ(message_of(parse(Format::ledger, "{\"at\": 1}\n")),
            "line 1: not a fact: it has no type");
  EXPECT_EQ(message_of(parse(Format::jobs, "submit_s,duration_s,gpus\n")),
            "the trace has no jobs that use GPUs");
}

TEST(TraceTest, NamesTheFormatsThereAre) {
  EXPECT_EQ(*format_of("swf"), Format::swf);
  EXPECT_EQ(format_of("csv").error().message,
            "no trace format \"csv\"; there are jobs, itp, deadlines, philly, swf, ledger");
}

TEST(NodesTest, AreReadUnderEitherName) {
  const auto ours = parse_nodes("name,gpus\na,8\nb,4\n");
  ASSERT_TRUE(ours);
  EXPECT_EQ(gpus_of(*ours), 12);
  const auto theirs =
      parse_nodes("sn,cpu_milli,memory_mib,gpu,model\nn-1,64000,1,2,P100\nn-2,1,1,0,\n");
  ASSERT_TRUE(theirs);
  ASSERT_EQ(theirs->size(), 1U);
  EXPECT_EQ(theirs->front().name, "n-1");
}

TEST(NodesTest, AnErrorNamesLineAndColumn) {
  EXPECT_EQ(parse_nodes("name,gpus\na,8\nb,x\n").error().message,
            "line 3: gpus: \"x\" is not from 0 to 1024");
  EXPECT_EQ(parse_nodes("name\na\n").error().message,
            "line 1: the columns \"name\" and \"gpus\" are expected");
  EXPECT_EQ(parse_nodes("name,gpus\na,0\n").error().message, "no node has GPUs");
  EXPECT_TRUE(parse_nodes("name,gpus\na,8\na,8\n").error().message.starts_with("line 3: name:"));
}

TEST(GzipTest, UnpacksWhatIsPackedAndLeavesOtherTextAlone) {
  const std::string text = "job,submit_s\n1,2\n";
  EXPECT_EQ(*unpacked(text), text);
  EXPECT_EQ(*unpacked(packed(text)), text);
  EXPECT_EQ(*unpacked(packed(text) + packed("more")), text + "more");
}

TEST(GzipTest, SaysNoToWhatIsDamagedOrTooLong) {
  const std::string bytes = packed(std::string(5000, 'x'));
  EXPECT_EQ(unpacked(bytes.substr(0, bytes.size() - 4)).error().message, "not a whole gzip file");
  EXPECT_EQ(unpacked(bytes, 100).error().code, base::ErrorCode::resource_exhausted);
}

}  // namespace
}  // namespace replay
