# Homebrew's formula, for a tap of one's own. A release has it with its own address and checksums.
class NimoShake < Formula
  desc "Live migration from Amazon DynamoDB to MongoDB"
  homepage "https://github.com/OWNER/nimo-shake"
  version "@version@"
  license "MIT"

  on_macos do
    on_arm do
      url "https://github.com/OWNER/nimo-shake/releases/download/v#{version}/nimo-shake-#{version}-darwin-arm64.tar.gz"
      sha256 "@darwin-arm64@"
    end
    on_intel do
      url "https://github.com/OWNER/nimo-shake/releases/download/v#{version}/nimo-shake-#{version}-darwin-x64.tar.gz"
      sha256 "@darwin-x64@"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/OWNER/nimo-shake/releases/download/v#{version}/nimo-shake-#{version}-linux-arm64.tar.gz"
      sha256 "@linux-arm64@"
    end
    on_intel do
      url "https://github.com/OWNER/nimo-shake/releases/download/v#{version}/nimo-shake-#{version}-linux-x64.tar.gz"
      sha256 "@linux-x64@"
    end
  end

  def install
    bin.install "nimo-shake"
    man1.install "nimo-shake.1"
    pkgshare.install "nimo-shake.conf"
    bash_completion.install "completions/nimo-shake.bash" => "nimo-shake"
    zsh_completion.install "completions/_nimo-shake"
    fish_completion.install "completions/nimo-shake.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/nimo-shake -version")
  end
end
