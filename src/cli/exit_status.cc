#include "cli/exit_status.h"

#include <array>

namespace cli {
namespace {

using base::ErrorCode;

struct CodeRow {
  ErrorCode code;
  std::string_view name;
  ExitStatus status;
};

constexpr std::array kCodes{
    CodeRow{ErrorCode::invalid_argument, "invalid_argument", ExitStatus::usage},
    CodeRow{ErrorCode::unauthenticated, "unauthenticated", ExitStatus::not_allowed},
    CodeRow{ErrorCode::permission_denied, "permission_denied", ExitStatus::not_allowed},
    CodeRow{ErrorCode::not_found, "not_found", ExitStatus::not_found},
    CodeRow{ErrorCode::conflict, "conflict", ExitStatus::conflict},
    CodeRow{ErrorCode::gone, "gone", ExitStatus::conflict},
    CodeRow{ErrorCode::resource_exhausted, "resource_exhausted", ExitStatus::exhausted},
    CodeRow{ErrorCode::unavailable, "unavailable", ExitStatus::unavailable},
    CodeRow{ErrorCode::deadline_exceeded, "deadline_exceeded", ExitStatus::unavailable},
    CodeRow{ErrorCode::data_loss, "data_loss", ExitStatus::internal},
    CodeRow{ErrorCode::internal, "internal", ExitStatus::internal},
};

constexpr std::array kClasses{
    ExitClass{ExitStatus::ok, "ok", "exit.ok"},
    ExitClass{ExitStatus::job_failed, "job_failed", "exit.job_failed"},
    ExitClass{ExitStatus::usage, "usage", "exit.usage"},
    ExitClass{ExitStatus::refused, "refused", "exit.refused"},
    ExitClass{ExitStatus::not_found, "not_found", "exit.not_found"},
    ExitClass{ExitStatus::not_allowed, "not_allowed", "exit.not_allowed"},
    ExitClass{ExitStatus::conflict, "conflict", "exit.conflict"},
    ExitClass{ExitStatus::unavailable, "unavailable", "exit.unavailable"},
    ExitClass{ExitStatus::exhausted, "exhausted", "exit.exhausted"},
    ExitClass{ExitStatus::internal, "internal", "exit.internal"},
    ExitClass{ExitStatus::interrupted, "interrupted", "exit.interrupted"},
};

}  // namespace

std::span<const ExitClass> exit_classes() { return kClasses; }

ExitStatus exit_status(ErrorCode code) {
  for (const CodeRow& row : kCodes) {
    if (row.code == code) return row.status;
  }
  return ExitStatus::internal;
}

std::string_view code_name(ErrorCode code) {
  for (const CodeRow& row : kCodes) {
    if (row.code == code) return row.name;
  }
  return "internal";
}

ErrorCode code_named(std::string_view name) {
  for (const CodeRow& row : kCodes) {
    if (row.name == name) return row.code;
  }
  return ErrorCode::internal;
}

}  // namespace cli
