#include "paths/address_book.hpp"

#include <gtest/gtest.h>

#include "paths/paths_testing.hpp"

namespace grapevine::paths {
namespace {

using namespace testing;
using Addrs = std::vector<wire::TransportAddr>;

Addrs dialled(AddressBook& book, std::uint8_t n, TimePoint now) {
    return book.endpoint_addr(id(n), now).addrs;
}

TEST(AddressBook, OrdersBySuccessThenBySource) {
    AddressBook book({});
    book.learn(id(1), Addrs{port(4)}, AddressSource::peer_data, at(0s));
    book.learn(id(1), Addrs{port(3)}, AddressSource::ticket, at(0s));
    book.learn(id(1), Addrs{port(2)}, AddressSource::directory, at(0s));
    book.learn(id(1), Addrs{port(1)}, AddressSource::observed, at(0s));
    EXPECT_EQ(dialled(book, 1, at(1s)), (Addrs{port(1), port(2), port(3), port(4)}));
    book.succeeded(id(1), port(4), at(2s));
    EXPECT_EQ(dialled(book, 1, at(3s)), (Addrs{port(4), port(1), port(2), port(3)}));
    book.succeeded(id(1), port(3), at(4s));
    EXPECT_EQ(dialled(book, 1, at(5s)), (Addrs{port(3), port(4), port(1), port(2)}));
    book.failed(id(1), port(3));
    EXPECT_EQ(dialled(book, 1, at(6s)).front(), port(4));
    EXPECT_EQ(book.candidates(id(1), at(6s)).front(), (Candidate{port(4), AddressSource::observed, at(2s)}));
}

TEST(AddressBook, ASourceStatesTheWholeSet) {
    AddressBook book({});
    book.learn(id(1), Addrs{port(1), port(2)}, AddressSource::directory, at(0s));
    book.learn(id(1), Addrs{port(2)}, AddressSource::ticket, at(0s));
    book.learn(id(1), Addrs{port(3)}, AddressSource::directory, at(1s));
    EXPECT_EQ(dialled(book, 1, at(1s)), (Addrs{port(3), port(2)}));
    book.learn(id(1), Addrs{port(4)}, AddressSource::observed, at(1s));
    book.learn(id(1), Addrs{port(5)}, AddressSource::observed, at(1s));
    EXPECT_EQ(dialled(book, 1, at(1s)).size(), 4U);
}

TEST(AddressBook, EachSourceHasItsLifetime) {
    AddressBook book({});
    book.learn(id(1), Addrs{port(1)}, AddressSource::peer_data, at(0s));
    book.learn(id(1), Addrs{port(2)}, AddressSource::observed, at(0s));
    book.learn(id(1), Addrs{port(3)}, AddressSource::directory, at(0s));
    book.learn(id(1), Addrs{port(4)}, AddressSource::ticket, at(0s));
    EXPECT_EQ(dialled(book, 1, at(5min - 1ns)).size(), 4U);
    EXPECT_EQ(dialled(book, 1, at(5min)), (Addrs{port(2), port(3), port(4)}));
    EXPECT_EQ(dialled(book, 1, at(1h)), (Addrs{port(3), port(4)}));
    EXPECT_EQ(dialled(book, 1, at(24h)), (Addrs{port(4)}));
    EXPECT_EQ(dialled(book, 1, at(10000h)), (Addrs{port(4)}));
}

TEST(AddressBook, TheWorstGoWhenAnEndpointHasTooMany) {
    AddressBook book({});
    Addrs many;
    for (std::uint16_t n = 1; n <= 30; ++n)
        many.push_back(port(n));
    book.learn(id(1), Addrs{port(100)}, AddressSource::directory, at(0s));
    book.learn(id(1), many, AddressSource::peer_data, at(0s));
    EXPECT_EQ(dialled(book, 1, at(1s)),
              (Addrs{port(100), port(1), port(2), port(3), port(4), port(5), port(6), port(7)}));
    EXPECT_EQ(book.counters().addresses_displaced, 23U);
}

TEST(AddressBook, TheEndpointNotUsedForLongestGoes) {
    AddressBookConfig config;
    config.endpoints_max = 2;
    AddressBook book(config);
    book.learn(id(1), Addrs{port(1)}, AddressSource::ticket, at(0s));
    book.learn(id(2), Addrs{port(2)}, AddressSource::ticket, at(0s));
    EXPECT_EQ(dialled(book, 1, at(1s)).size(), 1U);
    book.learn(id(3), Addrs{port(3)}, AddressSource::ticket, at(2s));
    EXPECT_EQ(dialled(book, 2, at(3s)).size(), 0U);
    EXPECT_EQ(dialled(book, 1, at(3s)).size(), 1U);
    EXPECT_EQ(book.size(), 2U);
    EXPECT_EQ(book.counters().endpoints_displaced, 1U);
}

TEST(AddressBook, WhatCannotBeDialledIsRefused) {
    AddressBook book({});
    book.learn(id(1), Addrs{port(0), base::SocketAddr::v4(0, 0, 0, 0, 9)}, AddressSource::ticket, at(0s));
    book.succeeded(id(1), port(0), at(0s));
    EXPECT_EQ(book.size(), 0U);
    EXPECT_EQ(book.counters().addresses_refused, 2U);
    const wire::TransportAddr relay = *wire::RelayUrl::parse("https://relay.example.org/");
    book.learn(id(1), Addrs{relay}, AddressSource::ticket, at(0s));
    EXPECT_EQ(dialled(book, 1, at(0s)), (Addrs{relay}));
    book.forget(id(1));
    EXPECT_EQ(book.size(), 0U);
    EXPECT_TRUE(dialled(book, 1, at(0s)).empty());
}

}  // namespace
}  // namespace grapevine::paths
