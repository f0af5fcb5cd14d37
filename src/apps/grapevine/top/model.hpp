#pragma once

// What a user of `grapevine top` sees of a picture: which page, which nodes in which order, which of them is chosen.
// A key is an input, and what is to be drawn follows from it: no clock, no terminal.
//
// Rules
//  1. The chosen node stays chosen when the order changes; when it goes, its successor is chosen.
//  2. While it is paused the picture stands still, whatever comes; on going on it is that of now.
//  3. A filter that is being typed holds at once; one that is no filter changes nothing until it is.
//  4. Numbers are sorted with the largest first, words by the alphabet, "worst" by Trouble; then by name; reversed, all
//     of it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/grapevine/top/filter.hpp"
#include "apps/grapevine/top/picture.hpp"

namespace grapevine::apps {

enum class TopSort : std::uint8_t { worst, name, mesh, type, state, process, cpu, memory, peers, sent, received, age };
std::string_view name(TopSort sort);

enum class TopPage : std::uint8_t { nodes, details, timeline, alerts, help };

struct TopKey {
    enum class Kind : std::uint8_t { text, up, down, page_up, page_down, home, end, enter, escape, backspace, redraw };
    Kind kind = Kind::text;
    std::string text{};  // One character, UTF-8.
    friend bool operator==(const TopKey&, const TopKey&) = default;
};

enum class TopWish : std::uint8_t { none, quit };

class TopModel {
public:
    explicit TopModel(std::string fabric) : picture_(std::move(fabric)) {}
    TopModel(const TopModel&) = delete;  // Its rows are those of its own picture.
    TopModel& operator=(const TopModel&) = delete;

    // What there is now; kept from view while it is paused.
    void observe(const console::World& world, const console::Moment& at);
    // `at` is when, and is shown of a pause.
    TopWish on_key(const TopKey& key, const console::Moment& at);
    // How many lines of the page can be seen: its scrolling follows. `lines` are all there are, of a page that is text.
    void fit(std::size_t room, std::size_t lines);

    [[nodiscard]] const TopPicture& picture() const { return picture_; }
    [[nodiscard]] TopPage page() const { return page_; }
    // Those that pass the filter, in order.
    [[nodiscard]] const std::vector<const TopNode*>& rows() const { return rows_; }
    // The chosen row; nothing if there is none.
    [[nodiscard]] const TopNode* chosen() const;
    [[nodiscard]] std::size_t chosen_index() const { return chosen_index_; }
    // The node of the page of details; nothing if it is not known any more.
    [[nodiscard]] const TopNode* shown() const;
    // The first line that is seen: of the nodes, or of the page that is text.
    [[nodiscard]] std::size_t first() const { return page_ == TopPage::nodes ? first_row_ : first_line_; }
    [[nodiscard]] std::vector<const console::TimelineEvent*> events() const;
    [[nodiscard]] TopSort sort() const { return sort_; }
    [[nodiscard]] bool is_reversed() const { return reversed_; }
    [[nodiscard]] const std::string& only_mesh() const { return only_mesh_; }
    [[nodiscard]] const TopFilter& filter() const { return filter_; }
    // What is being typed as a filter, and what is wrong with it.
    [[nodiscard]] const std::optional<std::string>& typed() const { return typed_; }
    [[nodiscard]] const std::string& trouble_of_filter() const { return filter_trouble_; }
    [[nodiscard]] const std::optional<console::Moment>& paused() const { return paused_; }
    // Changes that a pause keeps from view.
    [[nodiscard]] bool is_stale() const { return stale_; }

private:
    void arrange();
    [[nodiscard]] bool is_before(const TopNode& a, const TopNode& b) const;
    void choose(std::size_t index);
    void move(const TopKey& key);
    void type(const TopKey& key);
    void set_filter(const std::string& text);
    void next_mesh();
    void open(TopPage page);
    void open_or_close(TopPage page);
    void back();
    TopWish on_command(char command, const console::Moment& at);

    TopPicture picture_;
    std::vector<const TopNode*> rows_;  // Of picture_.
    TopPage page_ = TopPage::nodes;
    TopPage before_help_ = TopPage::nodes;
    TopSort sort_ = TopSort::worst;
    bool reversed_ = false;
    std::string only_mesh_;
    TopFilter filter_;
    std::optional<std::string> typed_;
    std::string filter_before_;  // Of a filter that is being typed, for Escape.
    std::string filter_trouble_;
    std::optional<base::EndpointId> chosen_;
    base::EndpointId shown_{};
    std::size_t chosen_index_ = 0;
    std::size_t first_row_ = 0, first_line_ = 0;
    std::size_t room_ = 1, lines_ = 0;
    std::optional<console::Moment> paused_;
    bool stale_ = false;
};

}  // namespace grapevine::apps
