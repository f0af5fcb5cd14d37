#include "delivery/types.hpp"

namespace grapevine::delivery {

std::string_view name(SubmitRefusal refusal) {
    switch (refusal) {
        case SubmitRefusal::full: return "full";
        case SubmitRefusal::name_full: return "name_full";
        case SubmitRefusal::too_large: return "too_large";
        case SubmitRefusal::bad_name: return "bad_name";
        case SubmitRefusal::bad_deadline: return "bad_deadline";
        case SubmitRefusal::bad_options: return "bad_options";
        case SubmitRefusal::leaving: return "leaving";
    }
    return "unknown";
}

std::string_view name(Ending ending) {
    switch (ending) {
        case Ending::acknowledged: return "acknowledged";
        case Ending::unknown_mesh: return "unknown_mesh";
        case Ending::no_such_node: return "no_such_node";
        case Ending::ambiguous: return "ambiguous";
        case Ending::unreachable: return "unreachable";
        case Ending::refused: return "refused";
        case Ending::handler_failed: return "handler_failed";
        case Ending::too_large: return "too_large";
        case Ending::peer_busy: return "peer_busy";
        case Ending::deadline: return "deadline";
        case Ending::in_doubt: return "in_doubt";
        case Ending::cancelled: return "cancelled";
        case Ending::count_: break;
    }
    return "unknown";
}

std::string_view name(Handled handled) {
    switch (handled) {
        case Handled::no: return "no";
        case Handled::maybe: return "maybe";
        case Handled::yes: break;
    }
    return "yes";
}

std::string_view name(BusyCause cause) {
    switch (cause) {
        case BusyCause::no_session: return "no_session";
        case BusyCause::senders: return "senders";
        case BusyCause::ids: return "ids";
        case BusyCause::open: return "open";
        case BusyCause::queue: return "queue";
        case BusyCause::replies: return "replies";
        case BusyCause::order: return "order";
        case BusyCause::leaving: return "leaving";
        case BusyCause::payloads: return "payloads";
        case BusyCause::count_: break;
    }
    return "unknown";
}

}  // namespace grapevine::delivery
