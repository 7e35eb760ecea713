{{- define "orrery.labels" -}}
app.kubernetes.io/name: orrery
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "orrery.selector" -}}
app.kubernetes.io/name: orrery
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "orrery.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "orrery.secret" -}}
{{ required "existingSecret: name a Secret with the keys database-url, master-key and admin-password" .Values.existingSecret }}
{{- end }}

{{- define "orrery.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "orrery.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "orrery.environment" -}}
- name: DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ include "orrery.secret" . }}, key: database-url } }
- name: ORRERY_MASTER_KEY
  valueFrom: { secretKeyRef: { name: {{ include "orrery.secret" . }}, key: master-key } }
- name: ORRERY_DEMO
  value: "off"
- name: ORRERY_STOP_SECONDS
  value: {{ .Values.stopSeconds | quote }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{- /* One role as a StatefulSet: a pod that comes back with its folder is the same node of the cluster. */ -}}
{{- define "orrery.role" -}}
{{- $pods := index .root.Values .role -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .root.Release.Name }}-{{ .role }}
  labels:
    {{- include "orrery.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
spec:
  replicas: {{ $pods.replicas }}
  serviceName: {{ .root.Release.Name }}-{{ .role }}-pods
  podManagementPolicy: Parallel
  selector:
    matchLabels:
      {{- include "orrery.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "orrery.labels" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .role }}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "8080"
        prometheus.io/path: /metrics
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: {{ add .root.Values.stopSeconds 10 }}
      securityContext:
        {{- include "orrery.podSecurity" .root | nindent 8 }}
      {{- with .root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .root.Values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .root.Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "orrery.selector" . | nindent 14 }}
      containers:
        - name: orrery
          image: {{ include "orrery.image" .root }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          securityContext:
            {{- include "orrery.containerSecurity" .root | nindent 12 }}
          env:
            - name: ORRERY_ROLE
              value: {{ .role }}
            {{- if eq .role "api" }}
            - name: ORRERY_ADMIN_PASSWORD
              valueFrom:
                secretKeyRef: { name: {{ include "orrery.secret" .root }}, key: admin-password, optional: true }
            {{- else }}
            - name: ORRERY_API_URL
              value: http://{{ .root.Release.Name }}-api:{{ .root.Values.service.port }}
            - name: ORRERY_WORKER_CONCURRENCY
              value: {{ $pods.concurrency | quote }}
            {{- end }}
            {{- include "orrery.environment" .root | nindent 12 }}
          ports:
            - { name: http, containerPort: 8080 }
          startupProbe:
            httpGet: { path: /health/live, port: http }
            periodSeconds: 2
            failureThreshold: 60
          livenessProbe:
            httpGet: { path: /health/live, port: http }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: { path: /health/ready, port: http }
            periodSeconds: 5
            timeoutSeconds: 5
          resources:
            {{- toYaml $pods.resources | nindent 12 }}
          volumeMounts:
            - { name: data, mountPath: /var/lib/orrery }
            - { name: tmp, mountPath: /tmp }
      volumes:
        - name: tmp
          emptyDir: {}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .root.Values.dataVolume.storageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ .root.Values.dataVolume.size }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .root.Release.Name }}-{{ .role }}-pods
  labels:
    {{- include "orrery.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    {{- include "orrery.selector" . | nindent 4 }}
  ports:
    - { name: http, port: 8080, targetPort: http }
{{- if gt (int $pods.replicas) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .root.Release.Name }}-{{ .role }}
  labels:
    {{- include "orrery.labels" .root | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "orrery.selector" . | nindent 6 }}
{{- end }}
{{- end }}
