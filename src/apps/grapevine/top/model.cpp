#include "apps/grapevine/top/model.hpp"

#include <algorithm>
#include <array>
#include <compare>
#include <utility>

namespace grapevine::apps {
namespace {

using Kind = TopKey::Kind;

constexpr std::size_t kSorts = 12;

// Negative: a comes first.
std::partial_ordering compare(TopSort sort, const TopNode& a, const TopNode& b) {
    const console::Digest& x = a.row.digest;
    const console::Digest& y = b.row.digest;
    switch (sort) {
        case TopSort::worst: return a.trouble <=> b.trouble;
        case TopSort::name: break;
        case TopSort::mesh: return x.mesh <=> y.mesh;
        case TopSort::type: return x.type <=> y.type;
        case TopSort::state: return a.row.state <=> b.row.state;
        case TopSort::process: return a.row.process <=> b.row.process;
        case TopSort::cpu: return y.load.cpu_millicores <=> x.load.cpu_millicores;
        case TopSort::memory: return y.load.memory_kib <=> x.load.memory_kib;
        case TopSort::peers: return b.row.peers <=> a.row.peers;
        case TopSort::sent: return b.sent_per_s.value_or(-1) <=> a.sent_per_s.value_or(-1);
        case TopSort::received: return b.received_per_s.value_or(-1) <=> a.received_per_s.value_or(-1);
        case TopSort::age: return x.heard <=> y.heard;
    }
    return std::partial_ordering::equivalent;
}

}  // namespace

std::string_view name(TopSort sort) {
    static constexpr std::array<std::string_view, kSorts> kNames{"worst", "name",   "mesh",  "type", "state", "process",
                                                                 "cpu",   "memory", "peers", "out",  "in",    "age"};
    return kNames.at(static_cast<std::size_t>(sort));
}

void TopModel::observe(const console::World& world, const console::Moment& at) {
    if (paused_) {
        stale_ = true;
        return;
    }
    picture_.observe(world, at);
    arrange();
}

bool TopModel::is_before(const TopNode& a, const TopNode& b) const {
    const TopNode& one = reversed_ ? b : a;
    const TopNode& other = reversed_ ? a : b;
    const std::partial_ordering order = compare(sort_, one, other);
    if (order != std::partial_ordering::equivalent) {
        return order == std::partial_ordering::less;
    }
    const int names = one.row.digest.name.compare(other.row.digest.name);
    return names != 0 ? names < 0 : one.id < other.id;
}

void TopModel::arrange() {
    rows_.clear();
    for (const auto& [id, node] : picture_.nodes()) {
        if ((only_mesh_.empty() || node.row.digest.mesh == only_mesh_) && filter_.passes(node)) {
            rows_.push_back(&node);
        }
    }
    std::sort(rows_.begin(), rows_.end(), [this](const TopNode* a, const TopNode* b) { return is_before(*a, *b); });
    const auto still = std::find_if(rows_.begin(), rows_.end(),
                                    [this](const TopNode* node) { return chosen_ && node->id == *chosen_; });
    // Until one was chosen, it is whoever is first.
    choose(still != rows_.end() ? static_cast<std::size_t>(still - rows_.begin()) : chosen_ ? chosen_index_ : 0);
}

void TopModel::choose(std::size_t index) {
    chosen_index_ = rows_.empty() ? 0 : std::min(index, rows_.size() - 1);
    if (chosen_ && !rows_.empty()) {
        chosen_ = rows_[chosen_index_]->id;
    }
    fit(room_, lines_);
}

void TopModel::fit(std::size_t room, std::size_t lines) {
    room_ = std::max<std::size_t>(room, 1);
    lines_ = lines;
    first_line_ = std::min(first_line_, lines_ > room_ ? lines_ - room_ : 0);
    first_row_ = std::min(first_row_, chosen_index_);
    if (chosen_index_ >= first_row_ + room_) {
        first_row_ = chosen_index_ - room_ + 1;
    }
    first_row_ = std::min(first_row_, rows_.size() > room_ ? rows_.size() - room_ : 0);
}

const TopNode* TopModel::chosen() const {
    return rows_.empty() ? nullptr : rows_[chosen_index_];
}

const TopNode* TopModel::shown() const {
    const auto node = picture_.nodes().find(shown_);
    return node == picture_.nodes().end() ? nullptr : &node->second;
}

std::vector<const console::TimelineEvent*> TopModel::events() const {
    std::vector<const console::TimelineEvent*> out;
    for (const console::TimelineEvent& event : picture_.events()) {
        if ((only_mesh_.empty() || event.mesh == only_mesh_ || event.mesh.empty()) && filter_.passes(event)) {
            out.push_back(&event);
        }
    }
    return out;
}

TopWish TopModel::on_key(const TopKey& key, const console::Moment& at) {
    if (typed_) {
        type(key);
        return TopWish::none;
    }
    switch (key.kind) {
        case Kind::text: return key.text.size() == 1 ? on_command(key.text[0], at) : TopWish::none;
        case Kind::enter:
            if (page_ == TopPage::nodes && chosen() != nullptr) {
                shown_ = chosen()->id;
                open(TopPage::details);
            } else if (page_ == TopPage::help) {
                back();
            }
            return TopWish::none;
        case Kind::escape:
        case Kind::backspace: back(); return TopWish::none;
        case Kind::redraw: return TopWish::none;
        default: move(key); return TopWish::none;
    }
}

TopWish TopModel::on_command(char command, const console::Moment& at) {
    switch (command) {
        case 'q':
            if (page_ == TopPage::nodes) {
                return TopWish::quit;
            }
            back();
            break;
        case 'Q': return TopWish::quit;
        case 'j': move({Kind::down}); break;
        case 'k': move({Kind::up}); break;
        case 'g': move({Kind::home}); break;
        case 'G': move({Kind::end}); break;
        case ' ': move({Kind::page_down}); break;
        case 's': sort_ = static_cast<TopSort>((static_cast<std::size_t>(sort_) + 1) % kSorts); break;
        case 'S': sort_ = static_cast<TopSort>((static_cast<std::size_t>(sort_) + kSorts - 1) % kSorts); break;
        case 'r': reversed_ = !reversed_; break;
        case '/':
            filter_before_ = filter_.text();
            typed_ = filter_.text();
            break;
        case 'm': next_mesh(); break;
        case 't': open_or_close(TopPage::timeline); break;
        case 'a': open_or_close(TopPage::alerts); break;
        case '?':
        case 'h': open_or_close(TopPage::help); break;
        case 'p':
            paused_ = paused_ ? std::nullopt : std::optional(at);
            stale_ = false;
            break;
        default: return TopWish::none;
    }
    arrange();
    return TopWish::none;
}

void TopModel::open(TopPage page) {
    if (page == TopPage::help && page_ != TopPage::help) {
        before_help_ = page_;
    }
    page_ = page;
    first_line_ = 0;
}

void TopModel::open_or_close(TopPage page) {
    if (page_ == page) {
        back();
    } else {
        open(page);
    }
}

void TopModel::back() {
    if (page_ == TopPage::nodes) {
        set_filter("");  // Nothing to go back from but a narrower view.
        only_mesh_.clear();
        arrange();
        return;
    }
    page_ = page_ == TopPage::help ? before_help_ : TopPage::nodes;
    first_line_ = 0;
}

void TopModel::move(const TopKey& key) {
    const std::size_t all = page_ == TopPage::nodes ? rows_.size() : lines_ - std::min(lines_, room_ - 1);
    const std::size_t last = all == 0 ? 0 : all - 1;
    std::size_t at = page_ == TopPage::nodes ? chosen_index_ : first_line_;
    const std::size_t page = std::max<std::size_t>(room_ - 1, 1);
    switch (key.kind) {
        case Kind::up: at -= std::min<std::size_t>(at, 1); break;
        case Kind::down: at += 1; break;
        case Kind::page_up: at -= std::min(at, page); break;
        case Kind::page_down: at += page; break;
        case Kind::home: at = 0; break;
        case Kind::end: at = last; break;
        default: return;
    }
    at = std::min(at, last);
    if (page_ != TopPage::nodes) {
        first_line_ = at;
        return;
    }
    if (!rows_.empty()) {
        chosen_ = rows_[at]->id;
        choose(at);
    }
}

void TopModel::type(const TopKey& key) {
    switch (key.kind) {
        case Kind::text:
            if (typed_->size() + key.text.size() <= TopFilter::kBytesMax) {
                *typed_ += key.text;
            }
            break;
        case Kind::backspace:
            if (typed_->empty()) {
                typed_.reset();
                break;
            }
            do {  // A character is several bytes.
                const bool inside = (static_cast<unsigned char>(typed_->back()) & 0xC0U) == 0x80U;
                typed_->pop_back();
                if (!inside) break;
            } while (!typed_->empty());
            break;
        case Kind::enter: typed_.reset(); break;
        case Kind::escape:
            typed_.reset();
            set_filter(filter_before_);
            return;
        default: return;
    }
    if (typed_) {
        set_filter(*typed_);
    } else {
        filter_trouble_.clear();
    }
}

void TopModel::set_filter(const std::string& text) {
    auto filter = TopFilter::parse(text);
    filter_trouble_ = filter ? std::string() : filter.error().message;
    if (filter) {
        filter_ = std::move(*filter);
        arrange();
    }
}

// All meshes, then each alone, by name.
void TopModel::next_mesh() {
    const auto& meshes = picture_.meshes();
    const auto next = only_mesh_.empty() ? meshes.begin() : meshes.upper_bound(only_mesh_);
    only_mesh_ = next == meshes.end() ? std::string() : next->first;
}

}  // namespace grapevine::apps
