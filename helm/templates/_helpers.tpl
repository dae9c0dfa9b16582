{{- define "teal.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- /* At most 40 characters: "-members-0" and more are put behind it. */}}
{{- define "teal.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "teal.selectorLabels" -}}
app.kubernetes.io/name: {{ include "teal.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "teal.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "teal.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: teal
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "teal.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "teal.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "teal.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "teal.tokensSecret" -}}
{{- default (printf "%s-tokens" (include "teal.fullname" .)) .Values.admin.tokens.existingSecret }}
{{- end }}

{{- /* teal.yaml as text: configFile as it is, or config. */}}
{{- define "teal.configText" -}}
{{- if .Values.configFile }}
{{- .Values.configFile }}
{{- else }}
{{- toYaml .Values.config }}
{{- end }}
{{- end }}

{{- /* The configuration as JSON, for `include ... | fromJson`. */}}
{{- define "teal.config" -}}
{{- $config := include "teal.configText" . | fromYaml }}
{{- if hasKey $config "Error" }}
{{- fail (printf "configFile is no YAML: %s" $config.Error) }}
{{- end }}
{{- range $key := list "listeners" "brokers" }}
{{- if not (hasKey $config $key) }}
{{- fail (printf "the configuration has no %s" $key) }}
{{- end }}
{{- end }}
{{- toJson $config }}
{{- end }}

{{- /* Addresses of `admin.bind` as JSON {list: [...]}: a word or a list of them. */}}
{{- define "teal.adminBinds" -}}
{{- $config := include "teal.config" . | fromJson }}
{{- $bind := dig "admin" "bind" "127.0.0.1:8081" $config }}
{{- dict "list" (kindIs "slice" $bind | ternary $bind (list $bind)) | toJson }}
{{- end }}

{{- /* The port of the admin API. Probes and Prometheus come to the pod's address, so loopback alone will not do. */}}
{{- define "teal.adminPort" -}}
{{- $port := "" }}
{{- range (include "teal.adminBinds" . | fromJson).list }}
{{- if not (hasPrefix "unix:" .) }}
{{- if not (regexMatch "^(127\\.|localhost:|\\[::1\\])" .) }}
{{- $port = regexFind "[0-9]+$" . }}
{{- end }}
{{- end }}
{{- end }}
{{- required "config.admin.bind has no address that probes and Prometheus can reach: bind 0.0.0.0:8081 (with admin.tokens_file)" $port }}
{{- end }}

{{- /* What tealctl in a pod is told: the unix socket if there is one, else loopback and a token. As JSON {list: [...]}. */}}
{{- define "teal.ctlWords" -}}
{{- $socket := "" }}
{{- range (include "teal.adminBinds" . | fromJson).list }}
{{- if hasPrefix "unix:" . }}{{ $socket = . }}{{ end }}
{{- end }}
{{- if $socket }}
{{- dict "list" (list "--endpoint" $socket) | toJson }}
{{- else }}
{{- dict "list" (list "--endpoint" (printf "http://127.0.0.1:%s" (include "teal.adminPort" .)) "--token-file" "/etc/teal/tokens/operator") | toJson }}
{{- end }}
{{- end }}

{{- /* Listeners with a port, as JSON {list: [{name, port, appProtocol}]}. Names: ws, wss, stomp, stomps; ws-2 is the second listener. */}}
{{- define "teal.listeners" -}}
{{- $config := include "teal.config" . | fromJson }}
{{- $list := list }}
{{- range $index, $listener := $config.listeners }}
{{- if not (hasPrefix "unix:" $listener.bind) }}
{{- $web := eq (default "websocket" $listener.protocol) "websocket" }}
{{- $name := $web | ternary (hasKey $listener "tls" | ternary "wss" "ws") (hasKey $listener "tls" | ternary "stomps" "stomp") }}
{{- $app := $web | ternary (hasKey $listener "tls" | ternary "kubernetes.io/wss" "kubernetes.io/ws") "tcp" }}
{{- $port := regexFind "[0-9]+$" $listener.bind | int }}
{{- if $index }}{{ $name = printf "%s-%d" $name (add1 $index) }}{{ end }}
{{- $list = append $list (dict "name" $name "port" $port "appProtocol" $app) }}
{{- end }}
{{- end }}
{{- if not $list }}
{{- fail "config.listeners has no HOST:PORT that a Service could lead to" }}
{{- end }}
{{- dict "list" $list | toJson }}
{{- end }}

{{- /* A duration of teal.yaml ("500ms", "1.5s", "5m", "1h", "0") in whole seconds, rounded up. */}}
{{- define "teal.seconds" -}}
{{- $text := toString . }}
{{- $number := regexFind "^[0-9]+(\\.[0-9]+)?" $text }}
{{- $unit := trimPrefix $number $text }}
{{- $factors := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "" 0.0 }}
{{- if or (not $number) (not (hasKey $factors $unit)) (and (not $unit) (ne $text "0")) }}
{{- fail (printf "%q is no duration, such as 500ms, 5s, 2m or 1h" $text) }}
{{- end }}
{{- mulf (float64 $number) (get $factors $unit) | ceil | int }}
{{- end }}

{{- /* delay + timeout + 20: not ready, drained, stopped. Values may ask for more, not for less. */}}
{{- define "teal.gracePeriod" -}}
{{- $config := include "teal.config" . | fromJson }}
{{- $delay := include "teal.seconds" (dig "drain" "delay" "5s" $config) | int }}
{{- $timeout := include "teal.seconds" (dig "drain" "timeout" "60s" $config) | int }}
{{- $least := add $delay $timeout 20 }}
{{- $asked := .Values.terminationGracePeriodSeconds }}
{{- if and $asked (lt (int $asked) (int $least)) }}
{{- fail (printf "terminationGracePeriodSeconds is %d, and the gateway needs %d to drain (drain.delay + drain.timeout + 20)" (int $asked) (int $least)) }}
{{- end }}
{{- default $least $asked }}
{{- end }}

{{- /* What helm refuses with a sentence, since a schema cannot see configFile. */}}
{{- define "teal.validate" -}}
{{- $config := include "teal.config" . | fromJson }}
{{- $kind := dig "store" "kind" "file" $config }}
{{- if not (has $kind (list "file" "etcd" "kubernetes")) }}
{{- fail (printf "config.store.kind %q is not allowed: must be file, etcd or kubernetes" $kind) }}
{{- end }}
{{- if and (ne $kind "file") (not .Values.development.unbuiltStores) }}
{{- fail (printf "config.store.kind: %s is not built yet; it comes later. Use file, with one replica" $kind) }}
{{- end }}
{{- if and (eq $kind "file") (gt (int .Values.replicaCount) 1) }}
{{- fail "replicaCount over 1 needs a store that the gateways share: with config.store.kind: file each would have a live color of its own" }}
{{- end }}
{{- if and (eq $kind "file") .Values.autoscaling.enabled }}
{{- fail "autoscaling needs a store that the gateways share, and config.store.kind is file" }}
{{- end }}
{{- if eq $kind "file" }}
{{- $path := dig "store" "path" "teal.state" $config }}
{{- if not (hasPrefix "/var/lib/teal/" $path) }}
{{- fail (printf "config.store.path is %q, and only /var/lib/teal/ is a volume that may be written" $path) }}
{{- end }}
{{- end }}
{{- $tokens := dig "admin" "tokens_file" "" $config }}
{{- if ne $tokens "/etc/teal/tokens/tokens" }}
{{- fail "config.admin.tokens_file must be /etc/teal/tokens/tokens: there the chart mounts the Secret with the tokens" }}
{{- end }}
{{- end }}

{{- /* Whether there may be two gateways or more. */}}
{{- define "teal.several" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1) }}true{{ end }}
{{- end }}

{{- /* A hash of what a running gateway does not take over; files/restart-keys.yaml lists it. Other edits make no new pods. */}}
{{- define "teal.restartHash" -}}
{{- $config := include "teal.config" . | fromJson }}
{{- $parts := dict }}
{{- range $path := (.Files.Get "files/restart-keys.yaml" | fromYaml).keys }}
{{- $at := $config }}
{{- if hasPrefix "listeners[]." $path }}
{{- $word := trimPrefix "listeners[]." $path }}
{{- $at = list }}
{{- range $config.listeners }}
{{- $at = append $at (eq $word "tls" | ternary (hasKey . "tls") (get . $word)) }}
{{- end }}
{{- else }}
{{- range $word := splitList "." $path }}
{{- if kindIs "map" $at }}{{ $at = get $at $word }}{{ else }}{{ $at = "" }}{{ end }}
{{- end }}
{{- end }}
{{- $_ := set $parts $path $at }}
{{- end }}
{{- toJson $parts | sha256sum }}
{{- end }}
