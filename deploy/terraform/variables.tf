variable "environment" {
  description = "Which Ora this is; it is part of every name."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod-sydney"], var.environment)
    error_message = "One of dev, staging, prod-sydney: the overlays of k8s/."
  }
}

variable "region" {
  description = "Where everything is. Personal data does not leave it (docs/privacy.md)."
  type        = string
  default     = "ap-southeast-2"
}

variable "vpc_cidr" {
  description = "The network; k8s/base/mesh/network-policies.yaml names its data subnets (the third /20 on)."
  type        = string
  default     = "10.20.0.0/16"
}

variable "zones" {
  description = "How many availability zones."
  type        = number
  default     = 3
}

variable "domain" {
  description = "The zone under which api., hub., backup. and mqtt. live."
  type        = string
}

variable "cloudflare_zone_id" {
  description = "The zone at Cloudflare, whose WAF and DDoS protection stand before the app's door."
  type        = string
}

variable "gateway_listener_arn" {
  description = "The listener of the load balancer that Kubernetes made for the gateway; empty until the first release."
  type        = string
  default     = ""
}

variable "voltex_issuer" {
  description = "Voltex ID's issuer: electricians and org admins."
  type        = string
}

variable "homes_issuer" {
  description = "The homeowners' issuer."
  type        = string
}

variable "audience" {
  description = "The audience that both issuers put into access tokens."
  type        = string
}

variable "database_class" {
  description = "The instance class of PostgreSQL."
  type        = string
  default     = "db.r7g.large"
}

variable "cache_class" {
  description = "The node type of Valkey."
  type        = string
  default     = "cache.r7g.large"
}

variable "cache_shards" {
  description = "How many masters the Valkey cluster has."
  type        = number
  default     = 3
}

variable "node_class" {
  description = "The machine types of the cluster's nodes."
  type        = list(string)
  default     = ["c7g.xlarge"]
}

variable "nodes" {
  description = "How few and how many nodes."
  type        = object({ min = number, max = number })
  default     = { min = 3, max = 12 }
}

variable "operators_cidrs" {
  description = "From where the cluster's API may be called by people; empty: from inside the network alone."
  type        = list(string)
  default     = []
}

variable "repository" {
  description = "The repository on GitHub whose workflows may push images and deploy, as owner/name."
  type        = string
}
