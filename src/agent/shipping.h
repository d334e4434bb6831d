#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "ports/agent_link.h"
#include "ports/rank_files.h"

namespace agent {

inline constexpr std::size_t kChunkBytes = 256 * 1024;
inline constexpr std::uint64_t kFileWindowBytes = 4 * 1024 * 1024;
inline constexpr std::uint64_t kWindowBytes = 32 * 1024 * 1024;

/// A file on the node, and what it is called where it is kept.
struct FileName {
  domain::JobId job;
  std::string path;  ///< As in FileChunk.
  friend auto operator<=>(const FileName&, const FileName&) = default;
};

struct ShippedFile {
  FileName name;
  std::string source;       ///< Absolute path on the node.
  bool final = false;       ///< Its size no longer changes.
  bool even_empty = false;  ///< Kept also when it has no bytes.
  bool replace = false;     ///< Drop what was kept under this name before.
  bool ask = false;         ///< An earlier agent may have sent some of it: ask how much is kept.
};

/// Sends files to the controller, in chunks, until it has them safe. No byte is lost: what was not
/// acknowledged is sent again after a lost connection. Windows bound what is under way, per file
/// and in all, so one big checkpoint cannot hold up the logs.
///
/// Single-threaded. `look` costs one stat per growing file, `ship` one read per chunk.
class Shipper {
 public:
  Shipper(ports::ControllerLink& link, ports::RankFiles& files) : link_(link), files_(files) {}

  /// Adds a file; one that is known stays as it is.
  void add(const ShippedFile& file);
  /// Says that a file will not grow any more, and takes its size.
  void finish(const FileName& name);
  void forget(const FileName& name);

  /// True once every byte of a file that no longer grows is safe, or when the file is gone.
  bool is_kept(const FileName& name) const;
  /// True if the file vanished or shrank before all of it was sent.
  bool is_broken(const FileName& name) const;
  bool knows(const FileName& name) const { return files_of_.contains(name); }

  void on_connected();
  void on_disconnected();
  void on_kept(const ports::FileKept& kept, domain::Time now);

  /// Takes the sizes of the files that grow.
  void look();

  /// Sends what the windows and the link allow.
  void ship(domain::Time now);

  /// True if bytes wait for the link or for a retry rather than for an acknowledgement.
  bool has_backlog() const { return backlog_; }
  bool is_idle() const { return active_.empty(); }

 private:
  struct File {
    ShippedFile what;
    std::uint64_t size = 0;
    std::uint64_t sent = 0;
    std::uint64_t kept = 0;
    bool must_ask = false;  ///< Nothing may be sent before the controller has said what it has.
    bool asked = false;
    bool answered = false;  ///< Some FileKept came for it.
    bool broken = false;
    domain::Time retry_at;
  };
  enum class Step { sent, nothing, blocked };

  void take_size(File& file);
  void update_active(const FileName& name, const File& file);
  static bool is_done(const File& file);
  Step step(File& file, domain::Time now);
  Step send_question(File& file);
  Step send_chunk(File& file, domain::Time now);
  void move_back(File& file, std::uint64_t to);

  ports::ControllerLink& link_;
  ports::RankFiles& files_;
  std::map<FileName, File> files_of_;
  std::set<FileName> growing_;
  std::set<FileName> active_;    ///< Files with something still to send or to be acknowledged.
  FileName last_;                ///< Where the round of active_ stopped.
  std::uint64_t under_way_ = 0;  ///< Sum of sent - kept.
  bool connected_ = false;
  bool backlog_ = false;
};

}  // namespace agent
