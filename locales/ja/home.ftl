## Home, signed in

home-welcome = ようこそ、{ $name }さん
home-unavailable = 現在、このページの残りの内容を表示できません。サインインは続いています。しばらくしてから、もう一度お試しください。
home-alerts = 確認が必要なセキュリティのお知らせが{ $count }件あります。
home-alerts-review = 確認する
home-day = このサイトの過去24時間
home-day-registered = 新しいアカウント
home-day-live = 現在のセッション
home-signed-in = サインイン
home-active = 最後の操作
home-previous = 前回のサインイン
home-latest = 最近のアクティビティ
home-latest-all = すべてのアクティビティを見る
home-devices = ほかの端末
home-devices-more = すべての端末を見る
home-to-devices = 端末を管理
home-checks = アカウントの安全性
home-checks-done = { $all }項目中{ $done }項目完了
home-check-done = 完了：
home-check-open = 未完了：
home-check-email = メールアドレスの確認
home-check-email-advice = メールアドレスを確認しておくと、パスワードを忘れても再設定できます。
home-check-factor = パスキーまたは二段階認証
home-check-factor-advice = パスキーまたは認証アプリを設定して、パスワードだけに頼らないようにしましょう。
home-check-codes = リカバリーコード
home-check-github = GitHubとの連携
home-check-github-advice = GitHubと連携すると、サインインの方法が増えます。

## Home, for strangers

home-demo-label = 端末の一覧でサインアウトすると、その端末に1秒以内に通知されます。送信前の文章はそのまま残ります。
home-demo-script = バックアップ
home-demo-typed = それでは明日の朝8時に関所の前で。持ち物は
home-demo-kept = 入力中の文章は残っています。

## One's own log

security-new-sign-in = 新しいサインイン
security-new-sign-in-hint = 新しい端末またはネットワーク
security-event-on = { $event }：{ $device }
security-flag-failure = 失敗
security-flag-theft = 盗用の可能性
security-by-administrator = 管理者による操作
security-was-this-you = ご自身の操作ですか？
security-not-me = いいえ、アカウントを保護します
security-notices-all-seen = はい、すべて自分の操作です
security-show = 表示
security-show-submit = 絞り込む
security-show-all = すべて
security-show-sign-ins = サインイン
security-show-problems = 失敗と警告
security-show-ends = サインアウト
security-show-changes = アカウントの変更

## Devices

client-browser-on-system = { $browser }（{ $system }）
devices-version = バージョン
devices-active-now = 現在
devices-ends-idle-latest = 操作がなければ{ $idle }後、遅くとも{ $latest }にサインアウトします。
devices-ends-idle = 操作がなければ{ $idle }後にサインアウトします。
devices-ends-latest = 遅くとも{ $latest }にサインアウトします。
devices-done-which = { $device }からサインアウトしました。
devices-done-renamed = 名前を保存しました。
devices-rename = 名前を変更
devices-rename-label = { $device }の名前を変更
devices-name = 名前
devices-name-hint = 自分にだけ表示されます。空欄にすると、端末本来の名前に戻ります。
devices-name-save = 名前を保存
