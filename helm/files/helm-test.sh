# What `helm test` runs in a pod; tests/packaging/chart.test runs it against a real gateway.
live=$(tealctl -o json status | sed -n 's/.*"live": *"\([a-z]*\)".*/\1/p' | head -n 1)
case $live in
    blue) other=green ;;
    green) other=blue ;;
    *) echo "the gateway does not say which color is live" >&2; exit 1 ;;
esac
dry_run() {
    echo "$live is live; a dry run to $other:"
    tealctl switch "$other" --dry-run
}
switch_and_back() {
    dry_run
    echo "a switch to $other and back:"
    tealctl switch "$other" --yes --reason "helm test"
    tealctl rollback --yes --reason "helm test"
}
