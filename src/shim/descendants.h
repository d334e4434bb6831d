#pragma once

namespace shim {

/// Sends SIGKILL to every direct child. Their pids are safe: only this process reaps them. Orphans
/// become direct children, so doing this again and again reaches every descendant.
void kill_children();

/// Sends SIGTERM to every descendant, and SIGCONT, because a stopped process hears of it only when
/// it goes on. Reads all of /proc once.
void terminate_descendants();

}  // namespace shim
