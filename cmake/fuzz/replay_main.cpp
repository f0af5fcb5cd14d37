// Runs a fuzz target without libFuzzer: on the files and folders named, then on seeded random inputs, half of which are
// mutations of those files. The same arguments give the same inputs on every machine.
//
//   TARGET [--runs N] [--seed N] [FILE | FOLDER]...
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" __attribute__((weak)) int LLVMFuzzerInitialize(int* argc, char*** argv);

namespace {

using Input = std::vector<std::uint8_t>;
constexpr std::size_t kRandomInputBytesMax = 2048;
constexpr std::size_t kMutationsMax = 8;

// SplitMix64: small, and the same everywhere.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }

    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }

private:
    std::uint64_t state_;
};

struct Options {
    std::uint64_t runs = 0;
    std::uint64_t seed = 1;
    std::vector<std::filesystem::path> paths;
};

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        const bool has_value = i + 1 < argc;
        if (argument == "--runs" && has_value) {
            options.runs = std::stoull(argv[++i]);
        } else if (argument == "--seed" && has_value) {
            options.seed = std::stoull(argv[++i]);
        } else {
            options.paths.emplace_back(argument);
        }
    }
    return options;
}

Input read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        std::fprintf(stderr, "cannot read %s\n", path.c_str());
        std::exit(2);
    }
    return Input(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// Folders are read in sorted order, so that a run does not depend on the file system.
std::vector<Input> read_corpus(const std::vector<std::filesystem::path>& paths) {
    std::vector<std::filesystem::path> files;
    for (const auto& path : paths) {
        if (!std::filesystem::is_directory(path)) {
            files.push_back(path);
            continue;
        }
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
            if (entry.is_regular_file()) {
                files.push_back(entry.path());
            }
        }
    }
    std::sort(files.begin(), files.end());
    std::vector<Input> corpus;
    for (const auto& file : files) {
        corpus.push_back(read_file(file));
    }
    return corpus;
}

Input random_input(Random& random) {
    Input input(random.below(kRandomInputBytesMax));
    // Small values are frequent in real frames: lengths, tags and counts.
    const bool small = random.below(2) == 0;
    for (auto& byte : input) {
        byte = static_cast<std::uint8_t>(random.below(small ? 8 : 256));
    }
    return input;
}

void mutate(Input& input, Random& random) {
    const std::size_t at = input.empty() ? 0 : random.below(input.size());
    const auto position = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (random.below(input.empty() ? 1 : 4)) {
        case 0: input.insert(position, static_cast<std::uint8_t>(random.next())); break;
        case 1: input.erase(position); break;
        case 2: *position ^= static_cast<std::uint8_t>(1U << random.below(8)); break;
        default: input.resize(at); break;
    }
}

Input next_input(const std::vector<Input>& corpus, Random& random) {
    if (corpus.empty() || random.below(2) == 0) {
        return random_input(random);
    }
    Input input = corpus[random.below(corpus.size())];
    for (std::size_t i = 1 + random.below(kMutationsMax); i > 0; --i) {
        mutate(input, random);
    }
    return input;
}

int run(int argc, char** argv) {
    if (LLVMFuzzerInitialize != nullptr) {
        LLVMFuzzerInitialize(&argc, &argv);
    }
    const Options options = parse(argc, argv);
    const std::vector<Input> corpus = read_corpus(options.paths);
    for (const auto& input : corpus) {
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    Random random(options.seed);
    for (std::uint64_t i = 0; i < options.runs; ++i) {
        const Input input = next_input(corpus, random);
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::printf("%zu known and %llu random inputs, seed %llu\n", corpus.size(),
                static_cast<unsigned long long>(options.runs), static_cast<unsigned long long>(options.seed));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
}
