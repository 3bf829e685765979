{{/* Name of the operator's objects. */}}
{{- define "llmtrain.operator" -}}
{{- printf "%s-operator" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Name of the operator's ServiceAccount. */}}
{{- define "llmtrain.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "llmtrain.operator" .) -}}
{{- end -}}

{{/* Name of the Secret with the key from which the tokens of jobs are derived. */}}
{{- define "llmtrain.keySecret" -}}
{{- .Values.tokens.existingSecret | default (printf "%s-key" (include "llmtrain.operator" . | trunc 59)) -}}
{{- end -}}

{{/* NetworkPolicy peers that reach coordinators: the operator's namespace, and those of the values. */}}
{{- define "llmtrain.coordinatorFrom" -}}
{{- $own := dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" .Release.Namespace)) -}}
{{- prepend .Values.jobNetworkPolicy.coordinatorFrom $own | toJson -}}
{{- end -}}

{{/* Labels that select the operator's pods; they never change. */}}
{{- define "llmtrain.selector" -}}
app.kubernetes.io/name: llmtrain-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Name of the node agent's objects. */}}
{{- define "llmtrain.agent" -}}
{{- printf "%s-agent" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels that select the node agent's pods; they never change. */}}
{{- define "llmtrain.agentSelector" -}}
app.kubernetes.io/name: llmtrain-agent
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of the node agent's objects. */}}
{{- define "llmtrain.agentLabels" -}}
{{ include "llmtrain.agentSelector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: llmtrain
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* Labels of all objects of the chart but the node agent's. */}}
{{- define "llmtrain.labels" -}}
{{ include "llmtrain.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: llmtrain
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* Reference of an image: (list $ .Values.image.operator). */}}
{{- define "llmtrain.image" -}}
{{- $chart := (index . 0).Chart -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default $chart.AppVersion) -}}
{{- end -}}
{{- end -}}
