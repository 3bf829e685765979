"""Creates, reuses and deletes a local Kubernetes cluster, always through `kind`.

`python -m llmtrain_kind up` gives a real three-node cluster. Where a container engine can pull images, kind's stock node
image is used; elsewhere the node image is built from packages: Debian's, and Kubernetes from its Go modules.

__main__.py       the verbs
demo.py           `make demo`
cluster.py        creates, restarts and deletes a cluster
provider.py       chooses the container engine and the flavour of the node image
kind_config.py    the configuration file of kind
kubectl.py        the cluster's API
install.py        installs the chart
app_images.py     builds the operator's and the trainer's image
image_loading.py  loads them into the nodes
oci_layout.py     archives with the missing layers of an image
gpus.py           advertises GPUs that exist in the nodes' status only
storage.py        the default StorageClass
prometheus.py     Prometheus and promtool from Debian's package
go_tools.py       kind, kubectl, helm and the node's binaries from Go modules
node_image.py     the node image of the offline flavour
debian.py         base images and image builds of the offline flavour
host.py           prepares the machine for the offline flavour
network.py        the cluster network of the offline flavour
commands.py       runs programs
content_hash.py   names builds after their inputs
lock.py           serializes changes
paths.py          the repository's folders and the cache
progress.py       progress lines
errors.py         the errors
"""
