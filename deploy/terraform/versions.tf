terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 5.0"
    }
  }

  # The bucket, its key and its lock are made once by hand (docs/runbooks/first-day.md); `terraform init` is told which:
  #   terraform init -backend-config=environments/prod-sydney.backend.hcl
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      project     = "ora"
      environment = var.environment
      managed-by  = "terraform"
    }
  }
}

# The account's token comes by CLOUDFLARE_API_TOKEN.
provider "cloudflare" {}
