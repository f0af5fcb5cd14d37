// `grapevine spawn`: more nodes for a running `grapevine up`.

#include <array>
#include <chrono>
#include <string>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/json_rows.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/supervisor_query.hpp"
#include "apps/grapevine/supervisor_request.hpp"
#include "base/encoding.hpp"
#include "grapevine/node_main_json.hpp"
#include "wire/digest.hpp"

namespace grapevine::apps {
namespace {

// "512K", "64M", "2G": KiB.
base::Result<std::uint32_t> parse_size(std::string_view flag, std::string_view text) {
    struct Unit {
        char letter;
        std::uint64_t kib;
    };
    static constexpr std::array<Unit, 3> kUnits{{{'K', 1}, {'M', 1024}, {'G', 1024 * 1024}}};
    for (const Unit& unit : kUnits) {
        if (text.ends_with(unit.letter)) {
            const auto count = cli::parse_number(flag, text.substr(0, text.size() - 1), 1, UINT32_MAX / unit.kib);
            if (!count) {
                return tl::unexpected(count.error());
            }
            return static_cast<std::uint32_t>(*count * unit.kib);
        }
    }
    return base::invalid(std::string(flag) + ": '" + base::printable(text) + "' is not a size: 512K, 64M, 2G");
}

base::Status parse_budgets(const cli::Parsed& parsed, Budgets& out) {
    if (parsed.has("--cpu")) {
        const auto cpu = cli::parse_number("--cpu", parsed.text("--cpu"), 1, kMillicoresMax);
        if (!cpu) {
            return tl::unexpected(cpu.error());
        }
        out.cpu_millicores = static_cast<std::uint32_t>(*cpu);
    }
    if (parsed.has("--memory")) {
        const auto memory = parse_size("--memory", parsed.text("--memory"));
        if (!memory) {
            return tl::unexpected(memory.error());
        }
        out.memory_kib = *memory;
    }
    return {};
}

base::Result<SpawnRequest> parse_spawn(const cli::Parsed& parsed) {
    SpawnRequest out;
    const std::string& place = parsed.positionals[0];
    const std::size_t dot = place.find('.');
    if (dot == std::string::npos) {
        return base::invalid("'" + base::printable(place) + "' is not MESH.TYPE, as in mesh1.broker");
    }
    const auto mesh = wire::parse_name("mesh", std::string_view(place).substr(0, dot));
    const auto type = wire::parse_name("type", std::string_view(place).substr(dot + 1));
    if (!mesh || !type) {
        return tl::unexpected(mesh ? type.error() : mesh.error());
    }
    out.mesh = *mesh;
    out.type = *type;
    const auto count = cli::parse_number("--count", parsed.text("--count", "1"), 1, Supervisor::kChildrenMax);
    if (!count) {
        return tl::unexpected(count.error());
    }
    out.count = *count;
    if (const auto budgets = parse_budgets(parsed, out.budgets); !budgets) {
        return tl::unexpected(budgets.error());
    }
    return out;
}

int run(const cli::Parsed& parsed) {
    const auto request = parse_spawn(parsed);
    if (!request) {
        return cli::fail_with(request.error());
    }
    auto supervisor = SupervisorClient::connect(parsed);
    if (!supervisor) {
        return fail_query(supervisor.error());
    }
    const auto answer = supervisor->ask(encode(*request));
    if (!answer) {
        return fail_query(answer.error());
    }
    if (parsed.has("--json")) {
        return print(cli::json_line(*answer));
    }
    std::string out;
    for_each_row(*answer, "nodes", [&](const boost::json::object& row) {
        out += text_in(row, "name") + ": ready, process " + std::to_string(number_in(row, "pid")) + "\n";
    });
    return print(out);
}

}  // namespace

Command spawn_command() {
    Command command;
    command.name = "spawn";
    command.arguments = "MESH.TYPE";
    command.arguments_min = command.arguments_max = 1;
    command.summary = "start more nodes under a running grapevine up";
    command.details =
        "MESH may be new: its first node is then its own seed. Types are broker, gateway, compute, registry, and those "
        "that the grapevine up was started with. Done when all are ready; if one ends before, the end of its log says "
        "why.";
    command.codes = kSupervisorCodes;
    command.flags = {{"--count", cli::Arity::one, "N", "how many (default 1)"},
                     {"--cpu", cli::Arity::one, "MILLICORES", "the CPU budget that each states"},
                     {"--memory", cli::Arity::one, "SIZE", "the memory budget that each states: 512K, 64M, 2G"},
                     {"--json", cli::Arity::none, "", "one JSON object, as the supervisor gives it"}};
    append_supervisor_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
