#include "delivery/fair_queue.hpp"

#include <algorithm>

namespace grapevine::delivery {

void FairQueue::push(const Item& item) {
    Line& line = lines_[item.flow];
    if (line.items.empty()) ring_.push_back(item.flow);
    line.items.push_back(item);
    line.bytes += item.cost;
    ++size_;
    bytes_ += item.cost;
}

void FairQueue::pop() {
    GRAPEVINE_ASSERT(granted_, "what is taken was looked at before");
    const Flow flow = ring_.front();
    Line& line = lines_.find(flow)->second;
    const Item item = line.items.front();
    line.deficit -= item.cost;
    line.items.pop_front();
    count_out(line, item);
    remove_if_empty(flow);
}

bool FairQueue::erase(Flow flow, wire::MessageSequence message) {
    const auto line = lines_.find(flow);
    if (line == lines_.end()) return false;
    auto& items = line->second.items;
    const auto item = std::find_if(items.begin(), items.end(), [&](const Item& i) { return i.message == message; });
    if (item == items.end()) return false;
    count_out(line->second, *item);
    items.erase(item);
    remove_if_empty(flow);
    return true;
}

std::vector<FairQueue::Item> FairQueue::drain() {
    std::vector<Item> items;
    items.reserve(size_);
    for (const auto& [flow, line] : lines_)
        items.insert(items.end(), line.items.begin(), line.items.end());
    lines_.clear();
    ring_.clear();
    granted_ = false;
    size_ = 0;
    bytes_ = 0;
    return items;
}

FairQueue::Load FairQueue::load_of(Flow flow) const {
    const auto line = lines_.find(flow);
    return line == lines_.end() ? Load{} : Load{line->second.items.size(), line->second.bytes};
}

void FairQueue::count_out(Line& line, const Item& item) {
    line.bytes -= item.cost;
    --size_;
    bytes_ -= item.cost;
}

void FairQueue::remove_if_empty(Flow flow) {
    const auto line = lines_.find(flow);
    if (!line->second.items.empty()) return;
    lines_.erase(line);
    if (ring_.front() == flow) granted_ = false;
    ring_.remove(flow);
}

}  // namespace grapevine::delivery
