#include "cli/secret_input.h"

namespace cli {

base::Result<std::string> read_password(Context& context, bool from_input, bool fresh) {
  Environment& environment = context.environment;
  if (!from_input && !environment.in_is_terminal()) {
    return base::invalid("password", "{}", context.say("error.needs_password"));
  }
  const auto ask = [&](std::string_view id) {
    if (!from_input) environment.write_error(context.say(id) + " ");
    return environment.read_line(!from_input).value_or("");
  };
  std::string password = ask("ask.password");
  context.output.hide(password);
  if (password.empty()) return base::invalid("password", "{}", context.say("error.no_password"));
  if (fresh && !from_input && ask("ask.password_again") != password) {
    return base::invalid("password", "{}", context.say("error.passwords_differ"));
  }
  return password;
}

}  // namespace cli
