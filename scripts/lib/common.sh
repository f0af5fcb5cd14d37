# shellcheck shell=bash
# Shared by the scripts of this folder: talk, logs, progress, builds. All talk goes to stderr, so that a script's
# stdout stays free for results.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SCRIPT=$(basename "$0")
readonly ROOT SCRIPT

# Seconds since this script began.
elapsed() { echo "$SECONDS"; }

say() { printf '%s: [%3s s] %s\n' "$SCRIPT" "$(elapsed)" "$*" >&2; }

fail() {
    printf '%s: %s\n' "$SCRIPT" "$*" >&2
    exit 1
}

usage_error() {
    printf '%s: %s; see %s --help\n' "$SCRIPT" "$*" "$SCRIPT" >&2
    exit 2
}

# Prints the comment block that opens a script as its help.
print_help() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$1"; }

# A file for the output of one step: in build/logs, or in the temporary folder where that cannot be written.
log_file() {
    local folder="$ROOT/build/logs"
    if mkdir -p "$folder" 2>/dev/null && [[ -w $folder ]]; then
        if [[ ! -e $folder/$1.log || -w $folder/$1.log ]]; then
            printf '%s\n' "$folder/$1.log"
            return
        fi
    fi
    mktemp --tmpdir "grapevine-$1-XXXXXX.log"
}

# As many jobs as there are processors, and no more than memory allows at 1.3 GB for the heaviest translation units.
build_jobs() {
    local processors memory_kib by_memory
    processors=$(nproc)
    memory_kib=$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)
    by_memory=$((memory_kib / 1300000))
    if ((by_memory < 1)); then by_memory=1; fi
    echo $((processors < by_memory ? processors : by_memory))
}

# Reads a build's output and shows how far it is: in place on a terminal, else a line for each fifth of the way.
show_progress() {
    local title=$1 line shown=-1 done_ total fifth
    while IFS= read -r line; do
        [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
        done_=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]}
        # Ninja's look at the folders comes before it knows how much there is to do.
        if ((done_ == 0)); then continue; fi
        if [[ -t 2 ]]; then
            printf '\r%s: [%3s s] %s: %s of %s ' "$SCRIPT" "$(elapsed)" "$title" "$done_" "$total" >&2
            continue
        fi
        if ((total < 10)); then continue; fi
        fifth=$((done_ * 5 / total))
        if ((fifth != shown)); then say "$title: $done_ of $total" && shown=$fifth; fi
    done
    if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
}

# Runs a command into a log; where it fails, shows what matters of the log and ends.
run_logged() {
    local title=$1 log=$2
    shift 2
    if "$@" </dev/null >"$log" 2>&1; then return; fi
    show_failure "$title" "$log"
}

# The lines of a log that name an error; the end of the log where there are none.
show_failure() {
    local errors
    errors=$(grep -E '(error:|undefined (symbol|reference)|CMake Error|multiple definition)' "$2" | head -n 20 || true)
    printf '%s: %s failed; the log is %s\n' "$SCRIPT" "$1" "$2" >&2
    if [[ -n $errors ]]; then printf '%s\n' "$errors"; else tail -n 25 "$2"; fi | cut -c 1-300 >&2
    exit 1
}

# configure PRESET: once, and again where CMake's own files changed (ninja sees to that).
configure() {
    if [[ -f $ROOT/build/$1/build.ninja ]]; then return; fi
    run_logged "configuring $1" "$(log_file "configure-$1")" cmake -S "$ROOT" --preset "$1"
}

# build PRESET TARGET...: quiet, with progress; the log is shown where it fails.
build() {
    local preset=$1 log
    shift
    configure "$preset"
    log=$(log_file "build-$preset")
    say "building $preset"
    if NINJA_STATUS='[%f/%t] ' nice ninja -C "$ROOT/build/$preset" -j "$(build_jobs)" "$@" </dev/null 2>&1 |
        tee "$log" | show_progress "building $preset"; then
        return
    fi
    show_failure "building $preset" "$log"
}
