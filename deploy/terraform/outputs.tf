output "cluster" {
  description = "The name that `aws eks update-kubeconfig` takes."
  value       = aws_eks_cluster.main.name
}

output "registry" {
  description = "Where images are pushed, by service."
  value       = { for name, each in aws_ecr_repository.images : name => each.repository_url }
}

output "pipeline_roles" {
  description = "The roles that the pipeline takes on."
  value       = { for name, each in aws_iam_role.pipeline : name => each.arn }
}

output "database" {
  description = "PostgreSQL's address."
  value       = aws_db_instance.main.address
}

output "cache" {
  description = "Valkey's configuration endpoint."
  value       = aws_elasticache_replication_group.main.configuration_endpoint_address
}

output "buckets" {
  description = "Where sealed objects are, by service."
  value       = { for name, each in module.objects : name => each.id }
}

output "wrapping_keys" {
  description = "The root keys of data keys, by purpose."
  value       = { for name, each in aws_kms_key.wrapping : name => each.arn }
}
