// Publications in meshes of whole stacks: who gets what, under loss and death.

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/blake3.hpp"
#include "stack/admission_testing.hpp"
#include "stack/cluster_testing.hpp"
#include "stack/stack.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kNodes = 9;

base::Bytes content_of(std::size_t size, std::uint64_t seed) {
    base::Bytes content(size);
    base::Rng rng(seed);
    rng.fill(content);
    return content;
}

// What became of publications at one node.
struct Told {
    std::vector<delivery::Published> published;
    std::vector<delivery::Missed> missed;
    [[nodiscard]] std::size_t all() const { return published.size() + missed.size(); }
};

class Publish : public ::testing::Test {
protected:
    void form() {
        for (std::size_t i = 0; i < kNodes; ++i)
            all_.push_back(
                cluster_.add("mesh1", i % 2 == 0 ? "broker" : "compute", i == 0 ? none_ : std::vector<std::size_t>{0}));
        ASSERT_TRUE(cluster_.run_until([&] { return cluster_.converged(all_); }, 10s));
    }

    delivery::Announcement publish(std::size_t index, const base::Bytes& content) {
        const auto what = cluster_.stack(index).publish(content, cluster_.now());
        EXPECT_TRUE(what);
        cluster_.settle(index);
        return what.value_or(delivery::Announcement{});
    }

    Told told(std::size_t index) {
        Told told;
        for (const auto& event : cluster_.member(index).events) {
            if (const auto* e = report_in<delivery::Published, PublicationReport>(event)) told.published.push_back(*e);
            if (const auto* e = report_in<delivery::Missed, PublicationReport>(event)) told.missed.push_back(*e);
        }
        return told;
    }

    // All of `indices` were told of `count` publications.
    bool all_told(const std::vector<std::size_t>& indices, std::size_t count = 1) {
        return std::all_of(indices.begin(), indices.end(), [&](std::size_t i) { return told(i).all() >= count; });
    }

    static std::vector<std::size_t> without(std::vector<std::size_t> indices,
                                            std::initializer_list<std::size_t> not_in) {
        for (const std::size_t index : not_in)
            std::erase(indices, index);
        return indices;
    }

    void expect_content(const std::vector<std::size_t>& indices, const base::Bytes& content) {
        for (const std::size_t i : indices) {
            const Told seen = told(i);
            EXPECT_TRUE(seen.missed.empty()) << i;
            ASSERT_EQ(seen.published.size(), 1U) << i;
            EXPECT_TRUE(seen.published[0].content == content) << i;
        }
    }

    std::vector<std::size_t> none_;
    std::vector<std::size_t> all_;
    testing::ClosedCluster cluster_{77};
};

TEST_F(Publish, AMebibyteIsHadByAllOnce) {
    form();
    const base::Bytes content = content_of(delivery::kPublicationMax, 1);
    const auto what = publish(3, content);
    const auto others = without(all_, {3});
    ASSERT_TRUE(cluster_.run_until([&] { return all_told(others); }, 10s));
    cluster_.run_for(40s);
    expect_content(others, content);
    EXPECT_EQ(told(3).all(), 0U) << "its author has it";
    EXPECT_LE(cluster_.figure(3, "publications.chunks_given"), 5U * 18U) << "to its neighbours on the tree, not to all";
    EXPECT_EQ(told(0).published[0].what, what);
}

TEST_F(Publish, TheSmallestTakesTheSameWay) {
    form();
    const base::Bytes content = content_of(1, 1);
    publish(0, content);
    ASSERT_TRUE(cluster_.run_until([&] { return all_told(without(all_, {0})); }, 2s));
    expect_content(without(all_, {0}), content);
}

TEST_F(Publish, TheSameContentMayBePublishedAgain) {
    form();
    const base::Bytes content = content_of(5000, 2);
    publish(0, content);
    publish(0, content);
    ASSERT_TRUE(cluster_.run_until([&] { return all_told(without(all_, {0}), 2); }, 5s));
    cluster_.restart(0, {1});
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.converged(all_); }, 20s));
    publish(0, content);
    ASSERT_TRUE(cluster_.run_until([&] { return all_told(without(all_, {0}), 3); }, 5s))
        << "the next life has numbers of its own";
}

TEST_F(Publish, UnderLossAndReorderingItIsHadByAllOnce) {
    form();
    cluster_.loss = 0.05;
    cluster_.jitter = 3ms;
    cluster_.duplication = 0.02;
    const base::Bytes content = content_of(delivery::kPublicationMax, 3);
    publish(5, content);
    const auto others = without(all_, {5});
    ASSERT_TRUE(cluster_.run_until([&] { return all_told(others); }, 40s));
    cluster_.run_for(40s);
    expect_content(others, content);
}

TEST_F(Publish, ADeathOnTheWayDelaysTheOthersAtMost) {
    form();
    const base::Bytes content = content_of(delivery::kPublicationMax, 4);
    publish(2, content);
    cluster_.run_for(15ms);
    ASSERT_FALSE(all_told(without(all_, {2})));
    cluster_.silence(6);
    const auto others = without(all_, {2, 6});
    ASSERT_TRUE(cluster_.run_until([&] { return all_told(others); }, 31s));
    cluster_.run_for(40s);
    expect_content(others, content);
}

TEST_F(Publish, WhereTheAuthorDiesEachIsToldOneOfTheTwo) {
    form();
    const base::Bytes content = content_of(delivery::kPublicationMax, 5);
    publish(2, content);
    cluster_.run_for(8ms);
    cluster_.silence(2);
    const auto others = without(all_, {2});
    ASSERT_TRUE(cluster_.run_until([&] { return all_told(others); }, 31s));
    cluster_.run_for(60s);
    for (const std::size_t i : others) {
        EXPECT_EQ(told(i).all(), 1U) << i;
        EXPECT_TRUE(told(i).published.empty()) << "nobody had it whole";
    }
}

TEST_F(Publish, SeveralAuthorsAtOnce) {
    form();
    for (const std::size_t i : all_)
        publish(i, content_of(200'000, i));
    ASSERT_TRUE(cluster_.run_until([&] { return all_told(all_, kNodes - 1); }, 30s));
    cluster_.run_for(40s);
    for (const std::size_t i : all_) {
        EXPECT_EQ(told(i).published.size(), kNodes - 1) << i;
        EXPECT_TRUE(told(i).missed.empty()) << i;
    }
}

TEST_F(Publish, ServicesKeepTheirPlaces) {
    form();
    ASSERT_EQ(cluster_.stack(0).serve("", delivery::Service{1, 1, 1000, 1000}, cluster_.now()), base::Admitted::yes);
    publish(0, content_of(delivery::kPublicationMax, 6));
    const auto others = without(all_, {0});
    ASSERT_TRUE(cluster_.run_until([&] { return all_told(others); }, 10s));
    EXPECT_EQ(cluster_.figure(0, "delivery.accepted"), 0U) << "no question came to a service's queue";
    EXPECT_GT(cluster_.figure(0, "publications.chunks_given"), 17U);
}

TEST_F(Publish, AClosedMeshPublishesToItsMembers) {
    all_ = cluster_.add_members(kNodes);
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.converged(all_); }, 10s));
    const base::Bytes content = content_of(300'000, 7);
    publish(4, content);
    const auto others = without(all_, {4});
    ASSERT_TRUE(cluster_.run_until([&] { return all_told(others); }, 10s));
    expect_content(others, content);
    EXPECT_EQ(cluster_.figure(0, "publications.refused.not_admitted"), 0U);
}

TEST_F(Publish, WithoutAMeshThereIsNobodyToPublishTo) {
    const std::size_t plain = cluster_.add(std::nullopt, "", {});
    const auto what = cluster_.stack(plain).publish(base::Bytes(5, 1), cluster_.now());
    ASSERT_FALSE(what);
    EXPECT_EQ(what.error(), delivery::PublishRefusal::no_mesh);
}

}  // namespace
}  // namespace grapevine::stack
