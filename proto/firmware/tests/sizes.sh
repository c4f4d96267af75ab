#!/bin/sh
# Writes what each message takes: bytes of RAM for its struct, of flash for its description, and what the code takes.
# Usage: sizes.sh CC FLAGS BUILD CODEC... -- CRYPTO...
set -eu
cc=$1 flags=$2 build=$3
shift 3
probe=$build/sizes.c
{
    printf '#include <stdio.h>\n#include "ora_contract.h"\n'
    printf '#define ROW(name) printf("%%s %%zu\\n", #name, sizeof(name));\nint main(void) {\n'
    sed -n 's/^    \(ora_[A-Za-z0-9_]*\) [A-Za-z0-9_]*_;$/    ROW(\1)/p' gen/ora_contract.h
    printf '    ROW(ora_any_t)\n    return 0;\n}\n'
} > "$probe"
# shellcheck disable=SC2086 # flags are several words
$cc $flags "$probe" -o "$build/sizes"
find "$build/gen" -name '*.o' -exec nm -S -t d {} + > "$build/symbols"
echo "| message | RAM: its struct, bytes | flash: its description and rules, bytes |"
echo "|---|---|---|"
"$build/sizes" | while read -r name ram; do
    flash=$(awk -v own="${name}_" 'NF == 4 && index($4, own) == 1 { sum += $2 } END { print sum + 0 }' "$build/symbols")
    echo "| \`$name\` | $ram | $flash |"
done
echo
echo "| code | flash, bytes | data, bytes |"
echo "|---|---|---|"
codec="" crypto="" into=codec
for each in "$@"; do
    if [ "$each" = -- ]; then
        into=crypto
    elif [ $into = codec ]; then
        codec="$codec $build/${each%.c}.o"
    else
        crypto="$crypto $build/${each%.c}.o"
    fi
done
# shellcheck disable=SC2086 # lists of files
total() {
    size -B "$@" | awk -v what="$what" 'NR > 1 { text += $1; data += $2 + $3 } END { print "| " what " | " text " | " data " |" }'
}
# shellcheck disable=SC2086
{
    what="messages and their rules"; total $codec
    what="envelopes, records, HPKE (without the port)"; total $crypto
}
