#include "control/cli/completion.hpp"

namespace cli {

namespace {

constexpr std::string_view bash =
    R"(# bash completion for tealctl: source <(tealctl completion bash)
_tealctl() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command="" i
    local commands="status switch rollback abort go watch history pools sessions drain undrain disconnect reload config check completion version help"
    local global="--endpoint --token-file --cacert --cert --key --output --quiet --no-color --help --version"
    case $before in
        --token-file|--cacert|--cert|--key|check) COMPREPLY=($(compgen -f -- "$word")); return;;
        -o|--output) COMPREPLY=($(compgen -W "table json" -- "$word")); return;;
        --sort) COMPREPLY=($(compgen -W "held age rate" -- "$word")); return;;
        --on-hold-timeout) COMPREPLY=($(compgen -W "abort pin cut" -- "$word")); return;;
        switch) COMPREPLY=($(compgen -W "blue green" -- "$word")); return;;
        completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")); return;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ " $commands " == *" ${COMP_WORDS[i]} "* ]] && command=${COMP_WORDS[i]}
    done
    case $command in
        "") COMPREPLY=($(compgen -W "$commands $global" -- "$word"));;
        switch|rollback) COMPREPLY=($(compgen -W "--no-wait --wait-drain --timeout --deadline --dry-run --pause --if-epoch --on-hold-timeout --max-failed --reason --yes" -- "$word"));;
        status) COMPREPLY=($(compgen -W "--check" -- "$word"));;
        go) COMPREPLY=($(compgen -W "--no-wait --wait-drain --timeout" -- "$word"));;
        watch) COMPREPLY=($(compgen -W "--wait-drain --timeout" -- "$word"));;
        sessions) COMPREPLY=($(compgen -W "--sort --limit --all --at --login --state --address --older-than" -- "$word"));;
        disconnect) COMPREPLY=($(compgen -W "--at --login --state --address --older-than --pace" -- "$word"));;
        help) COMPREPLY=($(compgen -W "$commands" -- "$word"));;
        reload) COMPREPLY=($(compgen -W "--dry-run" -- "$word"));;
        config) COMPREPLY=($(compgen -W "show" -- "$word"));;
        drain) COMPREPLY=($(compgen -W "--no-wait --timeout --force --self --wait" -- "$word"));;
    esac
}
complete -F _tealctl tealctl
)";

constexpr std::string_view zsh = R"(#compdef tealctl
# zsh completion for tealctl: source <(tealctl completion zsh)
_tealctl() {
    local -a commands
    commands=(
        'status:epoch, live color, clients and pools'
        'switch:make a color live'
        'rollback:back to the color before the last switch'
        'abort:abort the running switch'
        'go:let a paused switch go on'
        'watch:follow a switch'
        'history:the last switches'
        'pools:brokers of both colors'
        'sessions:sessions of clients'
        'drain:drain an endpoint or this gateway'
        'undrain:take a drained endpoint back'
        'disconnect:close one session'
        'reload:load the configuration again'
        'config:the configuration that runs'
        'check:check a configuration file'
        'completion:completion script of a shell'
        'version:version of this program'
        'help:what a command does'
    )
    _arguments -C \
        '--endpoint[address of the gateway]:address:' '--token-file[file with the token]:file:_files' \
        '--cacert[certificate authority]:file:_files' '--cert[certificate]:file:_files' '--key[key]:file:_files' \
        '(-o --output)'{-o,--output}'[format]:format:(table json)' '(-q --quiet)'{-q,--quiet}'[no table]' \
        '--no-color[no colors]' '1:command:->command' '*::argument:->argument'
    case $state in
        command) _describe command commands;;
        argument)
            case $words[1] in
                switch) _arguments '1:color:(blue green)' '--no-wait' '--wait-drain' '--timeout:duration:' '--deadline:duration:' \
                    '--dry-run' '--pause' '--if-epoch:epoch:' '--on-hold-timeout:policy:(abort pin cut)' '--max-failed:limit:' \
                    '--reason:text:' '--yes';;
                rollback) _arguments '--no-wait' '--wait-drain' '--timeout:duration:' '--deadline:duration:' '--dry-run' '--pause' \
                    '--if-epoch:epoch:' '--on-hold-timeout:policy:(abort pin cut)' '--max-failed:limit:' '--reason:text:' '--yes';;
                status) _arguments '--check';;
                go) _arguments '--no-wait' '--wait-drain' '--timeout:duration:';;
                watch) _arguments '1:switch:' '--wait-drain' '--timeout:duration:';;
                sessions) _arguments '--sort:order:(held age rate)' '--limit:number:' '--all' '--at:endpoint:' '--login:login:' \
                    '--state:state:' '--address:address:' '--older-than:duration:';;
                disconnect) _arguments '1:session:' '--at:endpoint:' '--login:login:' '--state:state:' \
                    '--address:address:' '--older-than:duration:' '--pace:rate:';;
                drain) _arguments '1:endpoint:' '--no-wait' '--timeout:duration:' '--force' '--self' '--wait';;
                undrain) _arguments '1:endpoint:';;
                reload) _arguments '--dry-run';;
                config) _arguments '1:what:(show)';;
                check) _files;;
                completion) _arguments '1:shell:(bash zsh fish)';;
            esac;;
    esac
}
compdef _tealctl tealctl
)";

constexpr std::string_view fish = R"(# fish completion for tealctl: tealctl completion fish | source
complete -c tealctl -f
complete -c tealctl -l endpoint -x -d 'address of the gateway'
complete -c tealctl -l token-file -r -F -d 'file with the token'
complete -c tealctl -l cacert -r -F -d 'certificate authority'
complete -c tealctl -l cert -r -F -d 'certificate'
complete -c tealctl -l key -r -F -d 'key'
complete -c tealctl -s o -l output -x -a 'table json' -d 'format'
complete -c tealctl -s q -l quiet -d 'no table'
complete -c tealctl -l no-color -d 'no colors'
complete -c tealctl -n __fish_use_subcommand -a status -d 'epoch, live color, clients and pools'
complete -c tealctl -n __fish_use_subcommand -a switch -d 'make a color live'
complete -c tealctl -n __fish_use_subcommand -a rollback -d 'back to the color before the last switch'
complete -c tealctl -n __fish_use_subcommand -a abort -d 'abort the running switch'
complete -c tealctl -n __fish_use_subcommand -a go -d 'let a paused switch go on'
complete -c tealctl -n __fish_use_subcommand -a watch -d 'follow a switch'
complete -c tealctl -n __fish_use_subcommand -a history -d 'the last switches'
complete -c tealctl -n __fish_use_subcommand -a pools -d 'brokers of both colors'
complete -c tealctl -n __fish_use_subcommand -a sessions -d 'sessions of clients'
complete -c tealctl -n __fish_use_subcommand -a drain -d 'drain an endpoint or this gateway'
complete -c tealctl -n __fish_use_subcommand -a undrain -d 'take a drained endpoint back'
complete -c tealctl -n __fish_use_subcommand -a disconnect -d 'close one session'
complete -c tealctl -n __fish_use_subcommand -a reload -d 'load the configuration again'
complete -c tealctl -n __fish_use_subcommand -a config -d 'the configuration that runs'
complete -c tealctl -n '__fish_seen_subcommand_from reload' -l dry-run
complete -c tealctl -n '__fish_seen_subcommand_from config' -a show
complete -c tealctl -n __fish_use_subcommand -a check -d 'check a configuration file'
complete -c tealctl -n __fish_use_subcommand -a completion -d 'completion script of a shell'
complete -c tealctl -n __fish_use_subcommand -a version -d 'version of this program'
complete -c tealctl -n __fish_use_subcommand -a help -d 'what a command does'
complete -c tealctl -l version -d 'version of this program'
complete -c tealctl -n '__fish_seen_subcommand_from sessions' -l all
complete -c tealctl -n '__fish_seen_subcommand_from sessions disconnect' -l at -x
complete -c tealctl -n '__fish_seen_subcommand_from sessions disconnect' -l login -x
complete -c tealctl -n '__fish_seen_subcommand_from sessions disconnect' -l state -x
complete -c tealctl -n '__fish_seen_subcommand_from sessions disconnect' -l address -x
complete -c tealctl -n '__fish_seen_subcommand_from sessions disconnect' -l older-than -x
complete -c tealctl -n '__fish_seen_subcommand_from disconnect' -l pace -x
complete -c tealctl -n '__fish_seen_subcommand_from drain' -l force
complete -c tealctl -n '__fish_seen_subcommand_from switch' -a 'blue green'
complete -c tealctl -n '__fish_seen_subcommand_from switch rollback go' -l no-wait
complete -c tealctl -n '__fish_seen_subcommand_from switch rollback go watch' -l wait-drain
complete -c tealctl -n '__fish_seen_subcommand_from switch rollback go watch' -l timeout -x
complete -c tealctl -n '__fish_seen_subcommand_from switch rollback' -l deadline -x
complete -c tealctl -n '__fish_seen_subcommand_from switch rollback' -l dry-run
complete -c tealctl -n '__fish_seen_subcommand_from switch rollback' -l pause
complete -c tealctl -n '__fish_seen_subcommand_from switch rollback' -l if-epoch -x
complete -c tealctl -n '__fish_seen_subcommand_from switch rollback' -l on-hold-timeout -x -a 'abort pin cut'
complete -c tealctl -n '__fish_seen_subcommand_from switch rollback' -l max-failed -x
complete -c tealctl -n '__fish_seen_subcommand_from switch rollback' -l reason -x
complete -c tealctl -n '__fish_seen_subcommand_from switch rollback' -l yes
complete -c tealctl -n '__fish_seen_subcommand_from sessions' -l sort -x -a 'held age rate'
complete -c tealctl -n '__fish_seen_subcommand_from sessions' -l limit -x
complete -c tealctl -n '__fish_seen_subcommand_from drain' -l no-wait
complete -c tealctl -n '__fish_seen_subcommand_from drain' -l timeout -x
complete -c tealctl -n '__fish_seen_subcommand_from drain' -l self
complete -c tealctl -n '__fish_seen_subcommand_from drain' -l wait
complete -c tealctl -n '__fish_seen_subcommand_from check' -F
complete -c tealctl -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'
)";

} // namespace

std::optional<std::string_view> completion_for(std::string_view shell) noexcept
{
    if (shell == "bash") {
        return bash;
    }
    if (shell == "zsh") {
        return zsh;
    }
    return shell == "fish" ? std::optional(fish) : std::nullopt;
}

} // namespace cli
