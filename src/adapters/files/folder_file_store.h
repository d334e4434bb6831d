#pragma once
#include <memory>
#include <string>

#include "adapters/files/open_files.h"
#include "ports/file_store.h"

namespace adapters::files {

/// Keeps files below one folder, as <folder>/<job / 1000>/<job>/<path>. Everything it makes can be
/// read by its owner alone. No link is ever followed below the folder.
///
/// The files used last stay open, so an append to one costs two system calls. Thread-safe.
class FolderFileStore final : public ports::FileStore {
 public:
  /// Opens the store in `folder`, which is created if it is missing. Keeps at most `most_open`
  /// files open.
  static base::Result<std::unique_ptr<FolderFileStore>> open(const std::string& folder,
                                                             std::size_t most_open = 256);

  base::Result<std::uint64_t> write_at(domain::JobId job, std::string_view path,
                                       std::uint64_t offset, std::string_view bytes) override;
  base::Result<> clear(domain::JobId job, std::string_view path) override;
  base::Result<> sync(domain::JobId job, std::string_view path) override;
  base::Result<std::uint64_t> size(domain::JobId job, std::string_view path) override;
  base::Result<std::string> read(domain::JobId job, std::string_view path, std::uint64_t offset,
                                 std::size_t most) override;
  base::Result<std::vector<ports::StoredFile>> list(domain::JobId job) override;
  base::Result<> remove(domain::JobId job) override;
  base::Result<std::uint64_t> free_bytes() override;

  std::size_t open_files() { return open_files_.count(); }

 private:
  enum class Missing { create, refuse };

  FolderFileStore(std::string folder, std::shared_ptr<Descriptor> root, std::size_t most_open)
      : folder_(std::move(folder)), root_(std::move(root)), open_files_(most_open) {}

  base::Result<std::shared_ptr<Descriptor>> find(domain::JobId job, std::string_view path,
                                                 Missing missing);
  base::Result<std::vector<std::shared_ptr<Descriptor>>> walk(std::string_view name,
                                                              Missing missing);

  std::string folder_;
  std::shared_ptr<Descriptor> root_;
  OpenFiles open_files_;
};

}  // namespace adapters::files
