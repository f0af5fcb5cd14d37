#include "directory/names.hpp"

#include <gtest/gtest.h>

#include "directory/directory_testing.hpp"

namespace grapevine::directory {
namespace {

using namespace testing;

EndpointId with_digits(std::string digits) {
    digits.resize(64, '5');
    return *EndpointId::parse(digits);
}

TEST(Names, SixDigitsUnlessTwoOfATypeShareThem) {
    Names names;
    names.insert("broker", with_digits("239dc9aa"));
    EXPECT_EQ(names.name_of("mesh2", "broker", with_digits("239dc9aa")), "mesh2.broker.239dc9");
    names.insert("gateway", with_digits("239dc9ab"));
    EXPECT_EQ(names.name_of("mesh2", "broker", with_digits("239dc9aa")), "mesh2.broker.239dc9");
    names.insert("broker", with_digits("239dc9ab"));
    EXPECT_EQ(names.name_of("mesh2", "broker", with_digits("239dc9aa")), "mesh2.broker.239dc9aa");
    EXPECT_EQ(names.name_of("mesh2", "broker", with_digits("239dc9ab")), "mesh2.broker.239dc9ab");
    names.insert("broker", with_digits("239dc9a0"));
    names.erase("broker", with_digits("239dc9ab"));
    EXPECT_EQ(names.name_of("mesh2", "broker", with_digits("239dc9aa")), "mesh2.broker.239dc9aa");
    names.erase("broker", with_digits("239dc9a0"));
    EXPECT_EQ(names.name_of("mesh2", "broker", with_digits("239dc9aa")), "mesh2.broker.239dc9");
}

TEST(Names, MatchingStaysWithinThePrefix) {
    Names names;
    for (const char* digits : {"000000", "aaaaaa0", "aaaaaaf", "aaaaab0", "ffffff"})
        names.insert("b", with_digits(digits));
    EXPECT_EQ(names.matching("b", "aaaaaa", 9), (std::vector{with_digits("aaaaaa0"), with_digits("aaaaaaf")}));
    EXPECT_EQ(names.matching("b", "ffffff", 9), (std::vector{with_digits("ffffff")}));
    EXPECT_EQ(names.matching("b", "aaaaaa", 1).size(), 1U);
    EXPECT_TRUE(names.matching("c", "aaaaaa", 9).empty());
}

TEST(Names, ResolveIsExactAmbiguousOrNothing) {
    Node node;
    node.start();
    node.hear(signed_digest(1, 10), at(1s));
    const std::string name = "mesh1.broker." + id(1).short_hex(6);
    EXPECT_EQ(node.directory.name_of(id(1)), name);
    EXPECT_EQ(node.directory.resolve(name), Resolution(id(1)));
    EXPECT_EQ(node.directory.resolve("mesh1.broker." + id(1).hex()), Resolution(id(1)));
    EXPECT_EQ(node.directory.resolve(id(1).hex()), Resolution(id(1)));
    EXPECT_EQ(node.directory.resolve(id(2).hex()), Resolution(NoSuchName{}));
    EXPECT_EQ(node.directory.resolve("mesh2.broker." + id(1).short_hex(6)), Resolution(NoSuchName{}));
    EXPECT_EQ(node.directory.resolve("mesh1.gateway." + id(1).short_hex(6)), Resolution(NoSuchName{}));
    EXPECT_EQ(node.directory.resolve("mesh1.broker"), Resolution(NoSuchName{}));
    EXPECT_EQ(node.directory.resolve(""), Resolution(NoSuchName{}));
    EXPECT_EQ(node.directory.name_of(id(9)), "");
}

TEST(Names, DigitsOfTheRecentlyRemovedResolveToNobodyElse) {
    // Two keys that share 6 digits cannot be had here, so the tombstone is asked directly.
    telemetry::Ledger ledger;
    const Config c = config();
    Table table(c, ledger);
    table.bury(with_digits("abcdef1"), Tombstone{wire::Sequence{1}, RemovalCause::died, "broker", {}, at(60s), {}, {}});
    EXPECT_TRUE(table.recently_removed("broker", "abcdef"));
    EXPECT_FALSE(table.recently_removed("gateway", "abcdef"));
    EXPECT_FALSE(table.recently_removed("broker", "abcde0"));
    EXPECT_FALSE(table.recently_removed("broker", "abcdef2"));
}

}  // namespace
}  // namespace grapevine::directory
