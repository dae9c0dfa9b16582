# Prints each number, string and word of a JSON document as `path<TAB>value`, like `held_ms.p99<TAB>6.2` or
# `failures.0.error<TAB>...`; for scripts on systems with no other JSON reader. Escapes in strings stay as they are.
# Written for mawk, which is Debian's awk.

{ text = text $0 "\n" }

END {
    at = 1
    value("")
}

function skip_space() {
    while (substr(text, at, 1) ~ /^[ \t\r\n]$/)
        at++
}

function string(    start, c) {
    start = ++at
    while ((c = substr(text, at, 1)) != "\"" && c != "") {
        at += (c == "\\") ? 2 : 1
    }
    return substr(text, start, at++ - start)
}

function value(path,    c, key, i, start) {
    skip_space()
    c = substr(text, at, 1)
    if (c == "{") {
        at++
        for (skip_space(); substr(text, at, 1) == "\""; skip_space()) {
            key = string()
            skip_space()
            at++ # the colon
            value(path == "" ? key : path "." key)
            skip_space()
            if (substr(text, at, 1) == ",")
                at++
        }
        at++
    } else if (c == "[") {
        at++
        i = 0
        for (skip_space(); substr(text, at, 1) != "]" && at <= length(text); skip_space()) {
            value(path == "" ? i : path "." i)
            i++
            skip_space()
            if (substr(text, at, 1) == ",")
                at++
        }
        at++
    } else if (c == "\"") {
        print path "\t" string()
    } else {
        start = at
        while (substr(text, at, 1) ~ /^[-+.0-9A-Za-z]$/)
            at++
        if (at == start)
            at = length(text) + 1 # no JSON: stop
        else
            print path "\t" substr(text, start, at - start)
    }
}
