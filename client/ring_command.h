#pragma once

namespace cloakroom {

/// `cloakroom-cli ring simulate|draw ...`; argv[0] is the program, argv[1] is "ring".
/// Returns the exit code: 0, 1 when it could not be done, 2 when the arguments are wrong.
int RunRingCommand(int argc, const char* const* argv);

}  // namespace cloakroom
